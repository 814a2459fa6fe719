"""What a ledger holds: the period, and how far its dollars can be trusted."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from ragthrift.ledger import Call

MOST_MODELS = 200


@dataclass(frozen=True, slots=True)
class Coverage:
    """The head of the report; times are seconds since 1970, UTC."""

    calls: int
    first: float | None
    last: float | None
    dollars: float
    """Of all calls that have a price."""
    by_cache: int
    """Calls that a cache answered: not billed."""
    by_cache_dollars: float
    """What those would have cost."""
    priced: int
    measured: int
    """Billed calls whose tokens the provider counted."""
    split: int
    """Billed calls of which the parts of the prompt are known."""
    failed: int
    unpriced_models: tuple[tuple[str, int], ...]
    """With their calls, most first."""
    models: tuple[tuple[str, int, float], ...]
    """With their billed calls and dollars, dearest first."""
    prices: str
    """Whose price list, and which version."""

    @property
    def billed(self) -> int:
        """Calls that reached a model."""
        return self.calls - self.by_cache

    @property
    def days(self) -> float:
        """Length of the period, 0 where there is none."""
        if self.first is None or self.last is None:
            return 0.0
        return (self.last - self.first) / 86_400

    @property
    def dollars_per_call(self) -> float | None:
        """Of the billed calls that have a price; `None` without any."""
        return self.dollars / self.priced if self.priced else None

    @property
    def priced_share(self) -> float:
        """Of the billed calls."""
        return self.priced / self.billed if self.billed else 0.0

    @property
    def measured_share(self) -> float:
        """Of the billed calls."""
        return self.measured / self.billed if self.billed else 0.0


class CoverageSums:
    """Counts for a `Coverage`."""

    def __init__(self) -> None:
        self._calls = self._by_cache = self._priced = self._measured = 0
        self._split = self._failed = 0
        self._first: float | None = None
        self._last: float | None = None
        self._dollars = Decimal(0)
        self._avoided = Decimal(0)
        self._unpriced: Counter[str] = Counter()
        self._models: dict[str, list[float]] = {}

    def add(self, call: Call, dollars: Decimal | None) -> None:
        """Take in a call that reached a model; `None` is unpriced."""
        self._seen(call)
        self._measured += call.measured
        self._split += bool(call.segments)
        self._failed += bool(call.error)
        if dollars is None:
            if call.model in self._unpriced or len(self._unpriced) < MOST_MODELS:
                self._unpriced[call.model] += 1
            return
        self._priced += 1
        self._dollars += dollars
        row = self._models.get(call.model)
        if row is None:
            name = call.model if len(self._models) < MOST_MODELS else "(all others)"
            row = self._models.setdefault(name, [0.0, 0.0])
        row[0] += 1
        row[1] += float(dollars)

    def add_cached(self, call: Call, avoided: Decimal | None) -> None:
        """Take in a call that a cache answered, with what it would have cost."""
        self._seen(call)
        self._by_cache += 1
        self._avoided += avoided or 0

    def _seen(self, call: Call) -> None:
        self._calls += 1
        if self._first is None or call.at < self._first:
            self._first = call.at
        if self._last is None or call.at > self._last:
            self._last = call.at

    def report(self, prices: str) -> Coverage:
        """The counts so far."""
        models = sorted(self._models.items(), key=lambda item: -item[1][1])
        return Coverage(
            calls=self._calls,
            first=self._first,
            last=self._last,
            dollars=float(self._dollars),
            by_cache=self._by_cache,
            by_cache_dollars=float(self._avoided),
            priced=self._priced,
            measured=self._measured,
            split=self._split,
            failed=self._failed,
            unpriced_models=tuple(self._unpriced.most_common()),
            models=tuple((name, int(calls), dollars) for name, (calls, dollars) in models),
            prices=prices,
        )
