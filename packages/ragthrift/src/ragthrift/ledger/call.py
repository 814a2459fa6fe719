"""One call of a language model, as the bill and the audit see it."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal
from uuid import uuid4

from ragthrift.errors import InputError
from ragthrift.usage import Savings, Usage

Kind = Literal["tools", "system", "example", "document", "history", "question", "other"]
Processing = Literal["standard", "batch", "flex", "priority", "fast"]

UNTAGGED = "untagged"
"""The request type of calls that nobody named."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a prompt: where its tokens come from, and whether it was sent before.

    A prompt's segments stand in the order in which they are sent, so that those which two calls
    have in common at the beginning are the prefix that a provider can cache.

    >>> Segment.of("system", "Answer briefly.", tokens=3) == Segment.of(
    ...     "system", "Answer briefly.", tokens=3
    ... )
    True
    """

    kind: Kind
    digest: str
    """Of the text: equal texts have equal digests, and the text cannot be read from it."""
    tokens: int
    id: str = ""
    """Of a document, as the application knows it."""
    used: bool | None = None
    """Whether a document's words are in the answer; `None` where that was not looked at."""
    text: str | None = field(default=None, compare=False)
    """Kept only by a recorder that was told to keep texts."""

    @classmethod
    def of(cls, kind: Kind, text: str, *, tokens: int, document_id: str = "") -> "Segment":
        """A segment that forgets its text."""
        return cls(kind, digest(text), tokens, document_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a language model.

    >>> call = Call(model="gpt-5-mini", usage=Usage(1200, 80), request_type="faq")
    >>> call.measured, call.answered_by_cache, call.tokens_from("document")
    (True, False, 0)
    """

    model: str
    """As the provider names it; prices it."""
    usage: Usage
    """Tokens; of a cache's hit, those of the call that was not made."""
    classes: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Further classes of tokens, parts of those in `usage`, and further units, by the names of
    `genai_prices.Usage`: `cache_write_1h_tokens`, `output_reasoning_tokens`, `input_audio_tokens`,
    `web_searches`."""
    provider: str = ""
    """By the ids of `genai-prices`: "openai", "anthropic", "google"; "" lets the model tell."""
    processing: Processing = "standard"
    measured: bool = True
    """Whether the provider counted the tokens; otherwise they are an estimate."""
    answered_by_cache: bool = False
    """Answered without a call: nothing was billed."""
    request_type: str = UNTAGGED
    purpose: str = "answer"
    """What the call was for: "answer", "repair", "summary", "judge", "shadow"."""
    segments: tuple[Segment, ...] = ()
    """The prompt, in the order in which it was sent; empty where only totals are known."""
    question: str = ""
    """Signature of the question, by `ragthrift.ledger.signature`."""
    at: float = field(default_factory=time.time)
    """Seconds since 1970, UTC, when the call began."""
    id: str = field(default_factory=lambda: uuid4().hex)
    session: str = ""
    """The conversation, a thread's id."""
    trace: str = ""
    """The run that several calls belong to."""
    seconds: float | None = None
    first_token_seconds: float | None = None
    max_tokens: int | None = None
    """The limit of output that the caller set."""
    finish_reason: str = ""
    """"stop", "length", "tool_calls", "content_filter"; "" where unknown."""
    retries: int = 0
    error: str = ""
    """Name of the exception that ended the call."""
    savings: Mapping[str, Savings] = field(default_factory=dict, hash=False)
    """Prompt tokens before and after each lever that worked on this call, by its name."""
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if any(number < 0 for number in self.classes.values()):
            raise InputError(f"counts cannot be negative: {dict(self.classes)}")
        if self.retries < 0:
            raise InputError(f"retries={self.retries} cannot be negative")

    @property
    def truncated(self) -> bool:
        """Whether the limit of output cut the answer off."""
        return self.finish_reason == "length"

    def tokens_from(self, kind: Kind) -> int:
        """Prompt tokens of one kind of segment, as they were counted locally."""
        return sum(segment.tokens for segment in self.segments if segment.kind == kind)


def digest(text: str) -> str:
    """16 hexadecimal digits that stand for a text.

    >>> digest("Soup?") == digest("Soup?"), len(digest(""))
    (True, 16)
    """
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def prefix_digests(segments: Iterable[Segment]) -> Sequence[str]:
    """A digest for each beginning of a prompt: equal where all before and with it is equal.

    >>> a, b = Segment("system", "1f", 10), Segment("question", "2e", 5)
    >>> prefix_digests([a, b])[0] == prefix_digests([a])[0]
    True
    """
    found: list[str] = []
    state = blake2b(digest_size=8)
    for segment in segments:
        state.update(f"{segment.kind}:{segment.digest};".encode())
        found.append(state.hexdigest())
    return found
