"""What an audit found."""

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from ragthrift.audit.bill import bill_of
from ragthrift.audit.coverage import Coverage
from ragthrift.audit.documents import Documents
from ragthrift.audit.findings import DearCall, Findings
from ragthrift.audit.levers.lever import Evidence
from ragthrift.audit.prefixes import PrefixStability
from ragthrift.audit.projection import Plan, plan
from ragthrift.audit.questions import RepeatedQuestions
from ragthrift.audit.request_types import RequestType
from ragthrift.ledger import Call
from ragthrift.ledger.pricing import Prices
from ragthrift.usage import Savings

SCHEMA = "ragthrift.audit/1"
_YOUNG = 50_000
"""New objects until Python looks for cycles among them, while a ledger is read."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """Where tokens came from, and what they cost."""

    name: str
    tokens: float
    dollars: float
    share: float


@dataclass(frozen=True, slots=True)
class Audit:
    """Where the money goes, and what would be saved."""

    coverage: Coverage
    types: tuple[RequestType, ...]
    """Dearest first."""
    sources: tuple[SourceRow, ...]
    """Dearest first."""
    dearest: tuple[DearCall, ...]
    questions: tuple[RepeatedQuestions, ...]
    questions_in_conversations: int
    documents: Documents | None
    prefixes: tuple[PrefixStability, ...]
    at_work: Mapping[str, Savings]
    """Prompt tokens before and after each lever that is in place already."""
    plan: Plan
    sampled: int
    """Calls that the projections were made on."""
    synthetic: bool = False
    """Whether the calls were made up, to show a report."""

    def as_json(self) -> dict[str, Any]:
        """For `json.dumps`; `schema` changes with the meaning of a field."""
        return {"schema": SCHEMA, **_plain(asdict(self))}


def audit(calls: Iterable[Call], prices: Prices | None = None, *, synthetic: bool = False) -> Audit:
    """Read a ledger once, in the order of time, and project what each lever would save.

    Memory is bounded: quantiles are told to within 1 %, and where there are more than 300,000
    different questions or 200,000 documents, repetition is counted on a sample. Levers are tried on
    16 stretches of 512 calls, or on all calls where there are fewer.

    >>> from ragthrift import Usage
    >>> calls = [
    ...     Call(model="gpt-5-mini", usage=Usage(4000, 50), request_type="faq", at=1.76e9 + n)
    ...     for n in range(100)]
    >>> found = audit(calls)
    >>> found.types[0].name, round(found.coverage.dollars, 2)
    ('faq', 0.11)
    """
    prices = prices or Prices()
    with _seldom_collecting():
        findings = Findings(prices).read(calls)
    coverage, sample = findings.coverage.report(prices.source), findings.stretches.stretches()
    evidence = _evidence(findings, coverage, sample)
    return Audit(
        coverage=coverage,
        types=findings.types.rows(),
        sources=_sources(findings.sources.found),
        dearest=findings.dearest(),
        questions=evidence.questions,
        questions_in_conversations=findings.questions.with_history,
        documents=findings.documents.report(),
        prefixes=findings.prefixes.rows(),
        at_work=dict(sorted(findings.savings.items())),
        plan=plan(evidence),
        sampled=len(evidence.bill.calls),
        synthetic=synthetic,
    )


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Millions of small objects come and go without a cycle: looking for some took a seventh."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], _YOUNG) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _evidence(findings: Findings, coverage: Coverage, sample: Sequence[Sequence[Call]]) -> Evidence:
    bill = bill_of([call for stretch in sample for call in stretch], findings.prices)
    return Evidence(
        stretches=tuple(tuple(stretch) for stretch in sample),
        bill=bill,
        prices=findings.prices,
        days=coverage.days,
        scale=coverage.dollars / bill.total if bill.total else 0.0,
        questions=findings.questions.rows(),
        documents=findings.documents.by_type,
    )


def _sources(found: Mapping[str, list[float]]) -> tuple[SourceRow, ...]:
    whole = sum(dollars for _, dollars in found.values())
    rows = [
        SourceRow(name, tokens, dollars, dollars / whole if whole else 0.0)
        for name, (tokens, dollars) in found.items()
        if tokens or dollars
    ]
    return tuple(sorted(rows, key=lambda row: (-row.dollars, row.name)))


def _plain(value: Any) -> Any:
    """Numbers of a length that a reader wants."""
    if isinstance(value, float):
        return float(f"{value:.8g}")
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value
