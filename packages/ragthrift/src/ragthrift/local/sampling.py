"""How tokens are chosen, and what one call may ask for beside its messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Literal, TypedDict

from ragthrift.errors import InputError
from ragthrift.types import Message, Tool

Overflow = Literal["error", "drop_turns"]
"""What to do with a conversation that does not fit: refuse it, or leave out its oldest turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the next token is chosen; greedy as it stands.

    >>> Sampling(temperature=0.7, seed=3).top_p
    1.0
    """

    temperature: float = 0.0
    """0 always takes the likeliest token."""
    top_p: float = 1.0
    top_k: int = 0
    """0 for no limit."""
    min_p: float = 0.0
    repeat_penalty: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (isfinite(self.temperature) and self.temperature >= 0):
            raise InputError(f"temperature={self.temperature} must be 0 (greedy) or above")
        if not (0 < self.top_p <= 1 and 0 <= self.min_p <= 1):
            raise InputError(f"top_p={self.top_p} and min_p={self.min_p} must be from 0 to 1")
        if self.top_k < 0 or not (isfinite(self.repeat_penalty) and self.repeat_penalty > 0):
            raise InputError(
                f"top_k={self.top_k} must not be below 0, "
                f"repeat_penalty={self.repeat_penalty} must be above it"
            )


class CallSettings(TypedDict, total=False):
    """Keyword arguments of one call; what is left out is as the model was given it."""

    temperature: float
    top_p: float
    top_k: int
    min_p: float
    repeat_penalty: float
    seed: int
    tools: Sequence[Tool]
    tool_choice: str
    """`auto`, `none`, `required`, or the name of a tool."""
    schema: Mapping[str, object]
    """JSON schema that the answer must fit."""
    grammar: str
    """GBNF grammar that the answer must fit."""
    logprobs: int
    """So many alternatives for each token of the answer; 0 for the tokens alone."""
    adapter: str
    """Name of a LoRA adapter; without one the base model answers."""
    session: str
    """Calls of a session share a slot and with it the prefix that is in the cache."""
    overflow: Overflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call, checked."""

    messages: tuple[Message, ...]
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    schema: Mapping[str, object] | None = None
    grammar: str | None = None
    logprobs: int | None = None
    adapter: str | None = None
    session: str | None = None
    overflow: Overflow = "error"

    def __post_init__(self) -> None:
        if not self.messages:
            raise InputError("there is no message to answer")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise InputError(f"max_tokens={self.max_tokens} must be at least 1, or None")
        if not all(self.stop):
            raise InputError(f"stop={self.stop!r} must be a sequence of texts that are not empty")
        if self.logprobs is not None and not 0 <= self.logprobs <= _MOST_ALTERNATIVES:
            raise InputError(f"logprobs={self.logprobs} must be from 0 to {_MOST_ALTERNATIVES}")
        if sum((self.schema is not None, self.grammar is not None, bool(self.tools))) > 1:
            raise InputError("an answer follows a schema, a grammar or tools: give one of them")
        self._check_choice()

    def _check_choice(self) -> None:
        names = {tool.name for tool in self.tools}
        if len(names) < len(self.tools):
            raise InputError(f"two tools have the same name: {sorted(t.name for t in self.tools)}")
        if self.tool_choice not in {"auto", "none", "required"} | names:
            raise InputError(
                f"tool_choice={self.tool_choice!r} must be auto, none, required, or one of "
                f"{sorted(names)}"
            )
        if self.tool_choice == "required" and not names:
            raise InputError("tool_choice='required' needs tools")


_MOST_ALTERNATIVES = 20
