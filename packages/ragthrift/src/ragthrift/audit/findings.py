"""One pass over a ledger, in bounded memory."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from heapq import heappush, heapreplace

from ragthrift.audit.billed import Billed, SourceSpend
from ragthrift.audit.coverage import CoverageSums
from ragthrift.audit.documents import DocumentSums
from ragthrift.audit.prefixes import Prefixes
from ragthrift.audit.questions import Questions
from ragthrift.audit.request_types import TypeSpend
from ragthrift.audit.sample import Stretches
from ragthrift.ledger import Call
from ragthrift.ledger.pricing import Prices
from ragthrift.usage import Savings

SHOWN = 10
_MOST_LEVERS = 100


@dataclass(frozen=True, slots=True)
class DearCall:
    """One of the most expensive calls."""

    id: str
    request_type: str
    model: str
    at: float
    dollars: float
    input_tokens: int
    output_tokens: int


class Findings:
    """Everything that is counted while the calls go by."""

    def __init__(self, prices: Prices) -> None:
        self.prices = prices
        self.coverage = CoverageSums()
        self.types = TypeSpend()
        self.sources = SourceSpend()
        self.questions = Questions()
        self.documents = DocumentSums()
        self.prefixes = Prefixes()
        self.stretches = Stretches()
        self.savings: dict[str, Savings] = {}
        self._dear: list[tuple[float, int, Call]] = []
        self._number = 0

    def read(self, calls: Iterable[Call]) -> "Findings":
        """Take in all calls, in the order of time."""
        for call in calls:
            if call.answered_by_cache:
                avoided = self.prices.dollars(replace(call, answered_by_cache=False))
                self.coverage.add_cached(call, avoided)
                self.types.add(call, None)
            else:
                self._billed(call)
            for name, saved in call.savings.items():
                if name in self.savings or len(self.savings) < _MOST_LEVERS:
                    self.savings[name] = self.savings.get(name, Savings(0, 0)) + saved
        return self

    def _billed(self, call: Call) -> None:
        parts = self.prices.parts(call)
        dollars = None if parts is None else parts.total
        self.coverage.add(call, dollars)
        self.types.add(call, dollars)
        self.documents.add(call)
        self.prefixes.add(call)
        if parts is None or dollars is None:
            return
        self.stretches.add(call)
        self.sources.add(call, Billed.of(parts))
        amount = float(dollars)
        self.questions.add(call, amount)
        self._number += 1
        if len(self._dear) < SHOWN:
            heappush(self._dear, (amount, -self._number, call))
        elif amount > self._dear[0][0]:
            heapreplace(self._dear, (amount, -self._number, call))

    def dearest(self) -> tuple[DearCall, ...]:
        """The most expensive calls, dearest first."""
        return tuple(
            DearCall(
                call.id,
                call.request_type,
                call.model,
                call.at,
                dollars,
                call.usage.input_tokens,
                call.usage.output_tokens,
            )
            for dollars, _, call in sorted(self._dear, reverse=True)
        )
