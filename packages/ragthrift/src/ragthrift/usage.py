"""Tokens of model calls, and what a step saved."""

from dataclasses import dataclass, fields
from typing import Self

from ragthrift.errors import InputError


@dataclass(frozen=True)
class Usage:
    """Tokens of one model call, or of many: it adds up.

    `input_tokens` is the total, cached tokens included, as in OpenTelemetry and LangChain, so
    `genai_prices.calc_price` takes a `Usage` as it stands.

    >>> sum([Usage(100, 20), Usage(50, 5, cache_read_tokens=40)])
    Usage(input_tokens=150, output_tokens=25, cache_read_tokens=40, cache_write_tokens=0)
    """

    input_tokens: int = 0
    """All prompt tokens: fresh, read from a cache and written to it."""
    output_tokens: int = 0
    cache_read_tokens: int = 0
    """The part of `input_tokens` that a prompt cache served."""
    cache_write_tokens: int = 0
    """The part of `input_tokens` that was written to a prompt cache."""

    def __post_init__(self) -> None:
        read, written = self.cache_read_tokens, self.cache_write_tokens
        if min(self.input_tokens, self.output_tokens, read, written) < 0:
            raise InputError(f"token counts cannot be negative: {self}")
        if read + written > self.input_tokens:
            raise InputError(
                f"cached tokens exceed input_tokens in {self}; input_tokens is the total, "
                "so add cached tokens to it (Anthropic reports them apart)"
            )

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    @property
    def fresh_tokens(self) -> int:
        """Input tokens billed at the full price: neither read from nor written to a cache."""
        return self.input_tokens - self.cache_read_tokens - self.cache_write_tokens

    def __add__(self, other: object) -> Self:
        if not isinstance(other, Usage):
            return NotImplemented
        return type(self)(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __radd__(self, other: object) -> Self:
        """Let `sum()` start from its 0."""
        return self if other == 0 else NotImplemented


@dataclass(frozen=True, slots=True)
class Savings:
    """An amount before and after, in one unit that the holder names (tokens, passages, dollars).

    >>> saved = Savings(1000, 250)
    >>> saved.saved, saved.share
    (750, 0.75)
    >>> saved + Savings(1000, 1250)
    Savings(before=2000, after=1500)
    """

    before: float
    after: float

    @property
    def saved(self) -> float:
        """Negative when it cost more."""
        return self.before - self.after

    @property
    def share(self) -> float:
        """Saved share of what there was, 0 where there was nothing."""
        return self.saved / self.before if self.before else 0.0

    def __add__(self, other: object) -> "Savings":
        if not isinstance(other, Savings):
            return NotImplemented
        return Savings(self.before + other.before, self.after + other.after)

    def __radd__(self, other: object) -> "Savings":
        """Let `sum()` start from its 0."""
        return self if other == 0 else NotImplemented
