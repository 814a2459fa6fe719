"""The verb that stands for turns in few words, and how it fails."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from ragthrift.errors import ModelError
from ragthrift.memory.segment import Fact
from ragthrift.memory.turn import Turn
from ragthrift.types import FinishReason, Message
from ragthrift.usage import Usage


@dataclass(frozen=True, slots=True)
class Summary:
    """What a summariser read out of turns, and what that used."""

    text: str
    facts: tuple[Fact, ...] = ()
    usage: Usage = field(default_factory=Usage)
    """All calls of all models that were needed, those of attempts that failed included."""
    finish_reason: FinishReason = "stop"
    """Anything but `stop` is a summary that was cut off: it is not used."""


class SummaryError(ModelError):
    """A summariser gave nothing that may stand for the turns; what that used is in `usage`."""

    def __init__(self, reason: str, usage: Usage | None = None) -> None:
        super().__init__(reason)
        self.usage = usage or Usage()


@runtime_checkable
class Summariser(Protocol):
    """Says in few words what turns said."""

    def summarise(
        self,
        turns: Sequence[Turn],
        *,
        before: str,
        max_tokens: int,
        facts: Sequence[Fact] = (),
        prompt: Sequence[Message] = (),
    ) -> Summary:
        """A summary of all of `turns` in at most `max_tokens` tokens, and the facts in them.

        `before` is what earlier summaries say, so that it is not said again; `facts` are those
        that hold so far, so that new ones can supersede them by id. `prompt` is what the model
        last read: who appends to it pays the price of cached tokens for it. Raise on failure: an
        error is never a summary.
        """
        ...
