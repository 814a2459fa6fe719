"""How a provider caches the beginning of prompts, and what that costs."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from ragthrift.errors import InputError

Style = Literal["cache_control", "prompt_cache", "cachePoint", "automatic", "none"]
"""How a prompt says what is to be cached: Anthropic's markers, OpenAI's from GPT-5.6 on, those of
Bedrock's Converse; `automatic` needs none and `none` caches nothing."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a beginning is kept after its last use, and what it costs to write it."""

    seconds: float
    write: float = 1.0
    """Price of a written token, as a share of one that is not cached."""
    name: str = ""
    """As the provider's marker names it: "5m", "1h", "30m"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRules:
    """One provider's rules for one model.

    Prices are shares of a prompt token's that is not cached: where one costs 3 dollars a million
    and `read` is 0.1, a token from the cache costs 0.30.

    >>> rules = CacheRules(style="cache_control", min_tokens=1024, read=0.1, breakpoints=4,
    ...     lifetimes=(Lifetime(300, 1.25, "5m"), Lifetime(3600, 2.0, "1h")))
    >>> [round(rules.break_even(lifetime), 2) for lifetime in rules.lifetimes]
    [0.28, 1.11]
    """

    style: Style
    min_tokens: int = 0
    """A shorter beginning is neither written nor read."""
    lifetimes: tuple[Lifetime, ...] = ()
    """The shortest first."""
    read: float = 1.0
    breakpoints: int = 0
    """How many a request may hold; 0 where the provider finds the longest known beginning."""
    lookback: int = 0
    """Places where a known beginning is looked for: the breakpoint's own and those before it."""
    step: int = 1
    """Beginnings match in whole steps of tokens."""
    marks_end: bool = False
    """Whether the provider sets a breakpoint at the end of each prompt unless it is told not to."""
    billed: bool = True
    """Whether prompts are paid for; on your own server a cache saves time alone."""
    priced: bool = True
    """Whether the prices are known; where not, they promise nothing: all shares are 1."""
    name: str = ""
    """The model they are for."""

    def __post_init__(self) -> None:
        shares = [self.read, *(lifetime.write for lifetime in self.lifetimes)]
        if min([*shares, self.min_tokens, self.breakpoints, self.lookback, self.step - 1]) < 0:
            raise InputError(f"{self} must hold no number below 0, and a step of 1 at least")
        if bool(self.lifetimes) is (self.style == "none"):
            raise InputError(f"{self} needs a lifetime, unless its style is 'none'")

    @property
    def marked(self) -> bool:
        """Whether prompts say themselves what is to be cached."""
        return self.breakpoints > 0

    def lifetime(self, name: str = "") -> Lifetime:
        """The lifetime of a name, the shortest without one."""
        for lifetime in self.lifetimes:
            if name in ("", lifetime.name):
                return lifetime
        known = ", ".join(lifetime.name for lifetime in self.lifetimes) or "none"
        raise InputError(f"{self.name or self.style} has no lifetime {name!r}; it has {known}")

    def break_even(self, lifetime: Lifetime) -> float:
        """How often what was written must be read again until it has paid."""
        if self.read >= 1:
            return inf if lifetime.write >= 1 else 0.0
        return max(lifetime.write - 1, 0.0) / (1 - self.read)

    def whole_steps(self, tokens: int) -> int:
        """As many of a beginning's tokens as can be cached: 0 below the least length."""
        size = tokens // self.step * self.step
        return size if size >= max(self.min_tokens, 1) else 0


NO_CACHING = CacheRules(style="none")
