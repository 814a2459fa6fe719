"""How much of the passages is kept, and what is never dropped."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragthrift.errors import InputError
from ragthrift.types import Budget


@dataclass(frozen=True, slots=True)
class Limits:
    r"""Limits on what is kept of all passages together; none of them keeps everything.

    They work alone and together: what scores below `min_score` goes first, then the best of the
    rest is kept up to the smaller of `rate` and `budget`.

    >>> Limits(rate=0.25, pin=[r"ACME-\d+"]).pin
    ('ACME-\\d+',)
    """

    rate: float | None = None
    """Keep this share of the tokens: 0.25 is a compression of four."""
    budget: Budget | None = None
    """Keep at most this many tokens, counted on the texts as they are handed on."""
    min_score: float | None = None
    """Keep what scores at least this, with what it is not understood without."""
    pin: Sequence[str] = ()
    """Regular expressions: a unit in which one is found is kept, whatever the limits say."""
    allow_empty: bool = False
    """Whether nothing may be left where nothing is good enough."""

    def __post_init__(self) -> None:
        if self.rate is not None and not 0 < self.rate <= 1:
            raise InputError(f"Limits(rate={self.rate}) must be above 0 and at most 1")
        if isinstance(self.pin, str):
            raise InputError(f"Limits(pin={self.pin!r}) must be a list of patterns: pin=[...]")
        object.__setattr__(self, "pin", tuple(self.pin))
        for pattern in self.pin:
            try:
                re.compile(pattern)
            except re.error as error:
                raise InputError(f"Limits(pin=[{pattern!r}]) is no pattern: {error}") from error

    def room(self, tokens: int) -> int | None:
        """How many of so many tokens may stay; `None` for all.

        >>> Limits(rate=0.5, budget=Budget(30)).room(100), Limits(min_score=0.1).room(100)
        (30, None)
        """
        rooms = []
        if self.rate is not None and self.rate < 1:
            rooms.append(int(tokens * self.rate))
        if self.budget is not None:
            rooms.append(self.budget.tokens)
        return min(rooms) if rooms else None

    def pinned(self, text: str) -> list[tuple[int, int]]:
        """Where the patterns are found in the text."""
        return [found.span() for pattern in self.pin for found in re.finditer(pattern, text)]
