"""What is known of a call before a model is asked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragthrift.types import Message, Passage

_TURNS = 4
_TURN = 240
_HARNESS = re.compile(
    r"<(system-reminder|system_reminder|environment_details|environment_context|tool_result"
    r"|function_results)\b.*?</\1>",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Ask:
    """The question, what the user said before it, and what was retrieved for it.

    >>> Ask("When does the canteen open?").question
    'When does the canteen open?'
    """

    question: str
    history: str = ""
    """A digest of the user's earlier turns, latest last; empty for a first question."""
    passages: tuple[Passage, ...] = ()
    prompt_tokens: int | None = None
    """Tokens of the whole prompt; `None` when nobody counted."""


def ask_of(
    messages: Sequence[Message],
    passages: Sequence[Passage] = (),
    *,
    prompt_tokens: int | None = None,
) -> Ask:
    """The ask of a conversation: its last user turn, and the beginnings of the few before it.

    What the user did not write stays out: other roles, passages pasted into the turn, and the
    blocks in which agents pass notes along with a user's turn.

    >>> turns = [Message("user", "Where is it?"), Message("assistant", "Here."),
    ...          Message("user", "<system-reminder>Be brief.</system-reminder> And the key?")]
    >>> ask_of(turns)
    Ask(question='And the key?', history='Where is it?', passages=(), prompt_tokens=None)
    """
    said = [_own(message.content, passages) for message in messages if message.role == "user"]
    said = [text for text in said if text]
    history = "\n".join(text[:_TURN] for text in said[-1 - _TURNS : -1])
    return Ask(said[-1] if said else "", history, tuple(passages), prompt_tokens)


def _own(text: str, passages: Sequence[Passage]) -> str:
    text = _HARNESS.sub(" ", text)
    for passage in passages:
        if passage.text.strip():
            text = text.replace(passage.text, " ")
    return text.strip()
