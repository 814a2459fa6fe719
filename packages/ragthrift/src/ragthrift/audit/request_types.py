"""What each type of request costs, and how its prompts and answers are."""

from dataclasses import dataclass, field
from decimal import Decimal

from ragthrift.audit.distribution import Distribution
from ragthrift.ledger import Call

MOST_TYPES = 1000
"""More of them are no types: then the rest is one."""
REST = "(all others)"


@dataclass(slots=True)
class TypeSums:
    """One type's calls, added up."""

    calls: int = 0
    dollars: Decimal = Decimal(0)
    priced: int = 0
    by_cache: int = 0
    failed: int = 0
    retries: int = 0
    truncated: int = 0
    capped: int = 0
    near_cap: int = 0
    """Answers that took more than nine tenths of their limit."""
    input: Distribution = field(default_factory=Distribution)
    output: Distribution = field(default_factory=Distribution)
    cap_use: Distribution = field(default_factory=Distribution)
    """Hundredths of the limit that answers took."""
    read: int = 0
    write: int = 0
    reasoning: int = 0

    def add(self, call: Call, dollars: Decimal | None) -> None:
        """Take in a call."""
        self.calls += 1
        if call.answered_by_cache:
            self.by_cache += 1
            return
        if dollars is not None:
            self.priced += 1
            self.dollars += dollars
        usage = call.usage
        self.failed += bool(call.error)
        self.retries += call.retries
        self.truncated += call.truncated
        self.input.add(usage.input_tokens)
        self.output.add(usage.output_tokens)
        self.read += usage.cache_read_tokens
        self.write += usage.cache_write_tokens
        if call.classes:
            self.reasoning += call.classes.get("output_reasoning_tokens", 0)
        if call.max_tokens:
            self.capped += 1
            share = usage.output_tokens / call.max_tokens
            self.near_cap += share > 0.9
            self.cap_use.add(100 * share)


@dataclass(frozen=True, slots=True)
class RequestType:
    """A row of the report; shares lie in [0, 1], `None` is unknown."""

    name: str
    calls: int
    """Answers by a cache included."""
    dollars: float
    share: float
    cumulative: float
    """Of the dollars, down to this row."""
    dollars_per_call: float | None
    """Of the billed calls that have a price."""
    input_p50: float
    input_p95: float
    output_p50: float
    output_p95: float
    cached_share: float
    """Of prompt tokens."""
    reasoning_share: float
    """Of output tokens."""
    retries: int
    truncated: int
    failed: int
    by_cache: int
    unpriced: int
    capped: int
    near_cap: int
    cap_use_p95: float | None
    """Of the limit, that 95 in 100 answers do not exceed."""


class TypeSpend:
    """All types, added up."""

    def __init__(self) -> None:
        self.sums: dict[str, TypeSums] = {}

    def add(self, call: Call, dollars: Decimal | None) -> None:
        """Take in a call; `None` is unpriced."""
        sums = self.sums.get(call.request_type)
        if sums is None:
            name = call.request_type if len(self.sums) < MOST_TYPES else REST
            sums = self.sums.setdefault(name, TypeSums())
        sums.add(call, dollars)

    def rows(self) -> tuple[RequestType, ...]:
        """Dearest first."""
        whole = sum(float(sums.dollars) for sums in self.sums.values())
        found = []
        down = 0.0
        order = sorted(self.sums.items(), key=lambda item: (-item[1].dollars, item[0]))
        for name, sums in order:
            down += float(sums.dollars)
            found.append(_row(name, sums, whole, down))
        return tuple(found)


def _row(name: str, sums: TypeSums, whole: float, down: float) -> RequestType:
    dollars = float(sums.dollars)
    return RequestType(
        name=name,
        calls=sums.calls,
        dollars=dollars,
        share=dollars / whole if whole else 0.0,
        cumulative=down / whole if whole else 0.0,
        dollars_per_call=dollars / sums.priced if sums.priced else None,
        input_p50=sums.input.quantile(0.5),
        input_p95=sums.input.quantile(0.95),
        output_p50=sums.output.quantile(0.5),
        output_p95=sums.output.quantile(0.95),
        cached_share=sums.read / sums.input.total if sums.input.total else 0.0,
        reasoning_share=sums.reasoning / sums.output.total if sums.output.total else 0.0,
        retries=sums.retries,
        truncated=sums.truncated,
        failed=sums.failed,
        by_cache=sums.by_cache,
        unpriced=sums.calls - sums.by_cache - sums.priced,
        capped=sums.capped,
        near_cap=sums.near_cap,
        cap_use_p95=sums.cap_use.quantile(0.95) / 100 if sums.capped else None,
    )
