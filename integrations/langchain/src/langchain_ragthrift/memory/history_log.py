"""A memory's messages in any of LangChain's message histories."""

from collections.abc import Callable, Sequence

from langchain_core.chat_history import BaseChatMessageHistory

from langchain_ragthrift.memory.messages import to_message, to_turns
from ragthrift import Message
from ragthrift.memory import MessageLog


def chat_history_log(history_of: Callable[[str], BaseChatMessageHistory]) -> MessageLog:
    """What a `LoggedTranscript` keeps messages in; `history_of` gives the history of a session.

    What a history holds already stays as it is, with images and ids; what is added is text and
    tool calls. Let nobody else add the same messages, or they stand there twice.

    >>> from langchain_core.chat_history import InMemoryChatMessageHistory
    >>> history = InMemoryChatMessageHistory()
    >>> messages = chat_history_log(lambda session: history)
    >>> messages.add("ann", [Message("user", "Soup?")])
    >>> history.messages[0].content, messages.read("ann")[0].content
    ('Soup?', 'Soup?')
    """
    return _HistoryLog(history_of)


class _HistoryLog:
    def __init__(self, history_of: Callable[[str], BaseChatMessageHistory]) -> None:
        self._history_of = history_of

    def read(self, session: str) -> list[Message]:
        return to_turns(self._history_of(session).messages)

    def add(self, session: str, messages: Sequence[Message]) -> None:
        self._history_of(session).add_messages([to_message(message) for message in messages])

    def clear(self, session: str) -> None:
        self._history_of(session).clear()
