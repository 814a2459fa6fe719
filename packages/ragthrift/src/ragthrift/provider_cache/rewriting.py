"""Whether a change in the middle of a prompt is worth the cached beginning that it breaks."""

from dataclasses import dataclass, field

from ragthrift.errors import InputError
from ragthrift.provider_cache.rules import CacheRules

_NOTHING = 1e-9
"""Of a prompt's price: sums of floats are no nearer."""


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """Of prompt tokens, in any unit: dollars per million, or shares of a fresh token's price."""

    fresh: float = 1.0
    read: float = 1.0
    write: float = 1.0
    min_tokens: int = 0
    """A shorter prompt is not cached."""

    @classmethod
    def of(cls, rules: CacheRules, lifetime: str = "") -> "TokenPrices":
        """A provider's, as shares of a fresh token's price."""
        if not rules.lifetimes:
            return cls()
        write = rules.lifetime(lifetime).write
        return cls(1.0, rules.read, write, rules.min_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriting:
    """A change that makes a prompt shorter, and loses what is cached from there on.

    A summary that all further calls begin with pays after some of them:

    >>> summary = Rewriting(prompt=8000, start=500, saved=5000, fresh=100, grows=True)
    >>> prices = TokenPrices(read=0.05, write=1.25)
    >>> [weigh_rewriting(summary, prices, calls=calls).pays for calls in (5, 20)]
    [False, True]
    """

    prompt: int
    """Tokens before the change."""
    start: int
    """Tokens before the first that changes."""
    saved: int
    """How many fewer there are; below 0 if the change adds some."""
    fresh: int = 0
    """Tokens at the end of a usual prompt that are new in each call, such as the question."""
    grows: bool = False
    """Whether what is new stays in the prompts that follow, as in a conversation."""
    lasts: bool = True
    """Whether the prompts that follow begin with the changed text; compression by the question
    gives another text each time, which no cache knows."""

    def __post_init__(self) -> None:
        if min(self.prompt, self.start, self.fresh) < 0:
            raise InputError(f"{self} must hold no count below 0, except saved")


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a change of the prompt brings, in the unit of the prices.

    >>> Weighed(saving=30.0, rebuild=20.0, cost=5.0).pays
    True
    """

    saving: float
    """On the prompts to come."""
    rebuild: float = 0.0
    """For what must be written to the cache anew."""
    cost: float = 0.0
    """Of the change itself."""
    least: float = field(default=0.0, repr=False)

    @property
    def net(self) -> float:
        """What remains of the saving."""
        return self.saving - self.rebuild - self.cost

    @property
    def pays(self) -> bool:
        """Whether anything remains."""
        return self.net > self.least


def weigh_rewriting(
    change: Rewriting,
    prices: TokenPrices,
    *,
    calls: float = 1,
    warm: float = 1.0,
    cost: float = 0.0,
) -> Weighed:
    """What a change saves over `calls` calls, less what it costs.

    `warm` is the probability that the cache still holds the prompt of the call before; `cost` is
    that of the change, such as a summary. Every lever that changes prompts asks this.

    Of 8,000 tokens 6,000 are cached at a twentieth of the price. Halving all of them anew for each
    question costs more than it saves; halving the 2,000 that are not cached pays:

    >>> prices = TokenPrices(read=0.05, write=1.25)
    >>> everything = Rewriting(prompt=8000, start=0, saved=4000, fresh=2000, lasts=False)
    >>> round(weigh_rewriting(everything, prices).net)
    -1700
    >>> tail = Rewriting(prompt=8000, start=6000, saved=1000, fresh=2000, lasts=False)
    >>> round(weigh_rewriting(tail, prices).net)
    1000
    """
    if calls < 0 or not 0 <= warm <= 1:
        raise InputError(f"calls={calls} must be 0 or more, and warm={warm} between 0 and 1")
    shorter = change.prompt - change.saved
    fresh, step = change.fresh, change.fresh if change.grows else 0
    anew = 0.0
    if change.lasts and shorter >= prices.min_tokens:
        rebuilt = shorter - change.start - (0 if change.grows else fresh)
        anew = warm * max(rebuilt, 0) * max(prices.write - prices.read, 0.0)
    if not change.lasts:
        fresh = max(shorter - min(change.start, max(change.prompt - fresh, 0)), 0)
    before = _prompts(change.prompt, change.fresh, step, prices, calls, warm)
    saving = before - _prompts(shorter, fresh, step, prices, calls, warm)
    return Weighed(saving, anew, cost, _NOTHING * change.prompt * prices.fresh)


def _prompts(
    tokens: int, fresh: int, step: int, prices: TokenPrices, calls: float, warm: float
) -> float:
    """Prices of the prompts to come, each longer than the one before by `step`."""
    if not step:
        return calls * _prompt(tokens, fresh, prices, prices.fresh, warm)
    sizes = (tokens + call * step for call in range(int(calls)))
    return sum(_prompt(size, fresh, prices, prices.write, warm) for size in sizes)


def _prompt(tokens: int, fresh: int, prices: TokenPrices, new: float, warm: float) -> float:
    """One prompt whose `fresh` last tokens cost `new`; a short one is not cached."""
    if tokens < prices.min_tokens:
        return tokens * prices.fresh
    cached = max(tokens - fresh, 0)
    changing = (tokens - cached) * new
    return warm * (cached * prices.read + changing) + (1 - warm) * (
        cached * prices.write + changing
    )
