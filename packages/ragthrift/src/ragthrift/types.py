"""The nouns every lever speaks: frozen, small, free of any framework."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Literal, Self

from ragthrift.errors import InputError
from ragthrift.usage import Usage

Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "error"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved piece of text.

    A passage without an id gets one from its text, so that equal texts have equal ids on every
    machine:

    >>> Passage("Dogs bark.") == Passage("Dogs bark.")
    True
    >>> Passage("Dogs bark.", id="a", score=0.5).with_score(0.9)
    Passage(text='Dogs bark.', id='a', score=0.9, metadata={})
    """

    text: str
    id: str = ""
    """Survives every step; a step may drop a passage but never renames one."""
    score: float | None = None
    """Higher is better; the scale belongs to whoever wrote it. `None` means never scored."""
    metadata: Mapping[str, object] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise InputError(f"Passage.text must be str, not {type(self.text).__name__}")
        if not self.id:
            object.__setattr__(self, "id", _text_id(self.text))

    def with_score(self, score: float) -> Self:
        """The same passage with another score."""
        return replace(self, score=float(score))

    def with_text(self, text: str) -> Self:
        """The same passage, same id, with another text."""
        return replace(self, text=text)


def _text_id(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's request to run a tool; `arguments` is the JSON text the model wrote."""

    id: str
    name: str
    arguments: str = "{}"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    >>> Message("user", "Where is the canteen?").role
    'user'
    """

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    """What an assistant turn asks to be run; each is answered by a `tool` turn."""
    tool_call_id: str | None = None
    """On a `tool` turn, the id of the call it answers."""

    def __post_init__(self) -> None:
        if self.role not in ("system", "user", "assistant", "tool"):
            raise InputError(
                f"unknown role {self.role!r}; use 'system', 'user', 'assistant' or 'tool'"
            )
        if self.role == "tool" and self.tool_call_id is None:
            raise InputError("a 'tool' message needs the tool_call_id of the call it answers")


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model answered, and what the call used."""

    text: str
    usage: Usage
    model: str
    finish_reason: FinishReason = "stop"
    tool_calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent.

    >>> Budget(tokens=500).tokens
    500
    """

    tokens: int
    """Tokens of the model that will read the text, not of the model that scores it."""

    def __post_init__(self) -> None:
        if self.tokens < 1:
            raise InputError(f"Budget(tokens={self.tokens}) must be at least 1")


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of a cache key that must be equal: nothing is served across scopes."""

    parts: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, **parts: str) -> "Scope":
        """A scope from named parts, in any order.

        >>> Scope.of(tenant="acme", model="m") == Scope.of(model="m", tenant="acme")
        True
        """
        return cls(tuple(sorted(parts.items())))


@dataclass(frozen=True, slots=True)
class CacheHit:
    """A stored answer that may be served."""

    question: str
    """The stored question, which may differ in words from the one asked."""
    answer: str
    similarity: float
    confidence: float
    """Estimated probability that the answer is right for the question asked."""


@dataclass(frozen=True, slots=True)
class Tier:
    """One rung of a router, cheap to strong."""

    name: str
    model: str
    price: float | None = None
    """Dollars per million input tokens; `None` when unknown."""


@dataclass(frozen=True, slots=True)
class Decision:
    """An explained choice of tier."""

    tier: Tier
    reason: str
    scores: tuple[tuple[str, float], ...] = ()
    """What was weighed, by name."""
