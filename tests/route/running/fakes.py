"""Real parts that are told what to do: models of quality, and providers with books of their own."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragthrift import Message, Price, Tier, Usage
from ragthrift.route import Ask, Attempt, Call, EscalationModel, Outcome, Piece, QualityModel

CHEAP = Tier("cheap", "small", Price(0.1, 0.4, cache_read=0.01))
MIDDLE = Tier("middle", "medium", Price(1.0, 4.0, cache_read=0.1))
STRONG = Tier("strong", "large", Price(3.0, 15.0, cache_read=0.3))
TIERS = (CHEAP, MIDDLE, STRONG)
TWO = (CHEAP, STRONG)


def asking(question: str = "When does the canteen open?", **needs: Any) -> Call:
    return Call([Message("user", question)], **needs)


@dataclass
class Expects(QualityModel):
    """The same qualities for every question, by the tier's name; counts what it was fitted on."""

    qualities: Mapping[str, float]
    seen: int = 0

    def expected(self, ask: Ask, tiers: Sequence[str]) -> tuple[float, ...]:
        return tuple(self.qualities[name] for name in tiers)

    def fit(self, outcomes: Sequence[Outcome]) -> "Expects":
        return Expects(self.qualities, len(outcomes))


ALIKE = Expects({"cheap": 0.8, "middle": 0.8, "strong": 0.8})
WIDE = Expects({"cheap": 0.2, "middle": 0.5, "strong": 0.9})


@dataclass
class Gains(EscalationModel):
    """Says what `of` says of the answer."""

    of: Callable[[str], float] = lambda answer: 0.0
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def gain(self, ask: Ask, answer: str, tier: str, above: str) -> float:
        self.asked.append((answer, tier, above))
        return self.of(answer)

    def fit(self, outcomes: Sequence[Outcome]) -> "Gains":
        return self


Says = str | Attempt | Exception | Callable[[Call], Attempt]


class Providers:
    """Answers by the tier's name, in turn, the last for good; keeps books of its own."""

    def __init__(self, **says: Says | Sequence[Says]) -> None:
        self._says: dict[str, list[Any]] = {
            name: list(said) if isinstance(said, (list, tuple)) else [said]
            for name, said in says.items()
        }
        self._lock = threading.Lock()
        self.calls: list[tuple[str, Call]] = []

    @property
    def asked(self) -> list[str]:
        return [name for name, _ in self.calls]

    def __call__(self, tier: Tier, call: Call) -> Attempt:
        with self._lock:
            self.calls.append((tier.name, call))
            says = self._says[tier.name]
            said: Says = says.pop(0) if len(says) > 1 else says[0]
        if isinstance(said, Exception):
            raise said
        if isinstance(said, str):
            return Attempt(said, Usage(100, 10))
        return said if isinstance(said, Attempt) else said(call)


Parts = Sequence[str | Piece | Attempt | Exception]


class Streams:
    """Streams by the tier's name: pieces, and an error where it is cut."""

    def __init__(self, **parts: Parts) -> None:
        self._parts = parts
        self.asked: list[str] = []
        self.closed: list[str] = []

    def __call__(self, tier: Tier, call: Call) -> Iterator[Piece | Attempt]:
        self.asked.append(tier.name)
        try:
            for part in self._parts[tier.name]:
                if isinstance(part, Exception):
                    raise part
                yield Piece(part) if isinstance(part, str) else part
        finally:
            self.closed.append(tier.name)


class StatusError(Exception):
    """As openai's and anthropic's errors carry their status."""

    def __init__(self, status_code: int, text: str = "") -> None:
        super().__init__(text or f"Error code: {status_code}")
        self.status_code = status_code
