"""The nouns every lever speaks: frozen, small, free of any framework."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from math import isfinite
from typing import Literal, Self

from ragthrift.errors import InputError
from ragthrift.usage import Usage

Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "error"]
Action = Literal["answer", "retrieve_more", "abstain"]
DecisionKind = Literal["choice", "pinned", "gate", "cap"]


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
class Tool:
    """What a model may ask to be run.

    >>> Tool("menu", "Dishes of a day", {"properties": {"day": {"type": "string"}}}).name
    'menu'
    """

    name: str
    description: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict, hash=False)
    """JSON schema of the arguments, an object."""


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
class TokenLogprob:
    """A token that a model wrote, and how likely it was."""

    token: str
    logprob: float
    """Natural logarithm, 0 at most."""
    alternatives: tuple[tuple[str, float], ...] = ()
    """The likeliest tokens in its place, with theirs."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model answered, and what the call used."""

    text: str
    usage: Usage
    model: str
    finish_reason: FinishReason = "stop"
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = field(default=(), repr=False)
    """Of each token, where they were asked for."""


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
class Price:
    """Dollars per million tokens.

    >>> Price(0.25, 2.0, cache_read=0.025).dollars(Usage(1_000_000, 0, cache_read_tokens=400_000))
    0.16
    """

    input: float
    output: float
    cache_read: float | None = None
    """Of prompt tokens that a prompt cache served; `None` is the price of input."""

    def __post_init__(self) -> None:
        given = (self.input, self.output, self.cache_read or 0.0)
        if not all(isfinite(price) and price >= 0 for price in given):
            raise InputError(f"{self} must hold dollars per million tokens, none below 0")

    def dollars(self, usage: Usage) -> float:
        """What a call costs; tokens written to a prompt cache cost what input does."""
        read = self.input if self.cache_read is None else self.cache_read
        fresh = usage.input_tokens - usage.cache_read_tokens
        paid = fresh * self.input + usage.cache_read_tokens * read
        return (paid + usage.output_tokens * self.output) / 1_000_000


@dataclass(frozen=True, slots=True)
class Tier:
    """One rung of a router, cheap to strong, and what its model can do.

    >>> Tier("cheap", "gpt-5-mini", context_tokens=400_000).price is None
    True
    """

    name: str
    model: str
    """The name that prices it, where `price` does not."""
    price: Price | None = None
    """`None` for the published price of the model."""
    context_tokens: int | None = None
    """What prompt and answer may take together; `None` when unknown."""
    tools: bool = True
    structured_output: bool = True
    modalities: tuple[str, ...] = ("text",)

    def __post_init__(self) -> None:
        if not isinstance(self.price, Price | None):
            raise InputError(
                f"Tier({self.name!r}).price is a Price(input, output) in dollars per million "
                f"tokens, not {self.price!r}"
            )


@dataclass(frozen=True, slots=True)
class Decision:
    """An explained choice of tier."""

    tier: Tier
    reason: str
    scores: tuple[tuple[str, float], ...] = ()
    """What was weighed, by name."""
    action: Action = "answer"
    """What to do; `tier` is the one that would answer, or that did, whatever it is."""
    qualities: tuple[tuple[str, float], ...] = ()
    """Expected quality, 0 to 1, by the name of each tier that could be chosen."""
    costs: tuple[tuple[str, float], ...] = ()
    """Expected dollars of the call, in the same way."""
    propensity: float = 1.0
    """Probability with which this tier was chosen; below 1 only where chance decided."""
    kind: DecisionKind = "choice"
    """What decided: a weighing, or a rule that left nothing to weigh."""
