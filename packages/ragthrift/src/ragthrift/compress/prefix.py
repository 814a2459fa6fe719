"""Whether shortening a prompt saves less than the cached prefix that it breaks."""

from dataclasses import dataclass

from ragthrift.errors import InputError
from ragthrift.provider_cache import Rewriting, TokenPrices, weigh_rewriting
from ragthrift.usage import Savings


@dataclass(frozen=True, slots=True)
class CachedPrefix:
    """Tokens that a provider would read from its cache if the passages stayed as they are.

    Passages that are cut differently for each question are read at full price from the first
    changed character on. Left alone, `tokens` of them cost `1 - discount` each.

    >>> CachedPrefix(tokens=3000).outweighs(Savings(before=3200, after=800))
    True
    >>> CachedPrefix(tokens=1000).outweighs(Savings(before=3200, after=800))
    False
    """

    tokens: int
    """Cached tokens from the first passage on, with what follows the passages in the prompt."""
    discount: float = 0.9
    """What a cached token is cheaper by: 0.9 at Anthropic and, for GPT-5, at OpenAI."""
    hit_rate: float = 1.0
    """How often the cache still holds the prefix when the next question comes."""

    def __post_init__(self) -> None:
        if self.tokens < 0:
            raise InputError(f"CachedPrefix(tokens={self.tokens}) must not be negative")
        for name in ("discount", "hit_rate"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(
                    f"CachedPrefix({name}={getattr(self, name)}) must lie between 0 and 1"
                )

    @property
    def worth(self) -> float:
        """What the cache saves a call, in tokens at full price."""
        return self.tokens * self.discount * self.hit_rate

    def outweighs(self, savings: Savings) -> bool:
        """Whether the discount that is lost is at least what the shorter texts save."""
        change = Rewriting(
            prompt=max(self.tokens, round(savings.before)),
            start=0,
            saved=round(savings.before - savings.after),
            fresh=max(round(savings.before) - self.tokens, 0),
            lasts=False,
        )
        prices = TokenPrices(read=1 - self.discount)
        return not weigh_rewriting(change, prices, warm=self.hit_rate).pays
