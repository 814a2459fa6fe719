"""A message history that gives a view of what it holds."""

from collections.abc import Sequence

from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import BaseMessage

from langchain_ragthrift.memory.messages import to_message, to_turns
from ragthrift.memory import ConversationMemory
from ragthrift.memory.view import RECALLED


class CondensedHistory(BaseChatMessageHistory):
    """Keeps every message in the memory's transcript; `messages` is what to send of them.

    Facts, summaries and recent turns, without turns recalled: a history is read before anyone
    knows the next question. Where that matters, keep the history anywhere and put `condensed`
    before the model. Text and tool calls are kept; of an image, a word that stands for it.

    A summary is made in the background once messages were added.

    >>> from langchain_core.messages import HumanMessage
    >>> with ConversationMemory() as memory:
    ...     history = CondensedHistory(memory, "ann")
    ...     history.add_messages([HumanMessage("Soup?")])
    ...     history.messages
    [HumanMessage(content='Soup?', additional_kwargs={}, response_metadata={})]
    """

    def __init__(self, memory: ConversationMemory, session: str) -> None:
        self.memory, self.session = memory, session
        self._seen: tuple[str, list[BaseMessage]] = ("", [])

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]  # a field there, read here
        """What to send of the history; the same until messages are added.

        A chain reads it before and after a call and takes the difference for what is new: a
        summary that is finished between the two must not show.
        """
        turns = self.memory.transcript.load(self.session).turns
        last = turns[-1].id if turns else ""
        if last != self._seen[0]:
            view = self.memory.view(self.session)
            said = [turn for turn in view if not _is_recalled(turn.role, turn.content)]
            self._seen = (last, [to_message(turn) for turn in said])
        return list(self._seen[1])

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Keep messages, and summarise in the background if it pays."""
        if messages:
            self.memory.remember(self.session, to_turns(messages))
            self.memory.after(self.session)

    def clear(self) -> None:
        """Delete the conversation, because its user asked for it."""
        self.memory.forget(self.session)


def _is_recalled(role: str, text: str) -> bool:
    return role == "user" and text.startswith(f"{RECALLED}\n")
