"""The findings in plain words."""

from datetime import UTC, datetime

from ragthrift.audit.projection import Span
from ragthrift.audit.report import Audit
from ragthrift.page.numbers import MINUS, money, money_decimals, plain

FEW = 200
"""Calls, below which no projection is worth much."""


def dollars(amount: float) -> str:
    """With as many decimals as it needs.

    >>> dollars(1234.5), dollars(0.01234)
    ('$1,234', '$0.0123')
    """
    return money(amount, 0 if abs(amount) >= 100 else money_decimals(amount))


def hundredths(share: float) -> str:
    """A share.

    >>> hundredths(0.256), hundredths(0.004)
    ('26 %', '0.4 %')
    """
    size = abs(100 * share)
    return f"{plain(100 * share, 0 if size >= 10 or not size else 1)} %"


def dollar_span(span: Span) -> str:
    """The two ends.

    >>> dollar_span(Span(1.5, 2.0, 3.0))
    '$1.50 to $3.00'
    """
    return f"{dollars(span.low)} to {dollars(span.high)}"


def share_span(span: Span) -> str:
    """The two ends of shares.

    >>> share_span(Span(-0.02, 0.1, 0.25))
    '−2.0 to 25 %'
    """
    return f"{hundredths(span.low).removesuffix(' %')} to {hundredths(span.high)}"


def headline(audit: Audit) -> str:
    """The one sentence to remember."""
    if not audit.coverage.priced:
        return "Nothing here has a known price"
    if not audit.plan.steps:
        return f"{dollars(audit.coverage.dollars)}, and no lever that would pay"
    saved = audit.plan.together.expected / audit.coverage.dollars
    first = audit.plan.steps[0].lever
    return (
        f"Of {dollars(audit.coverage.dollars)}, about {hundredths(saved)} need not be paid; "
        f"begin with {first}"
    )


def period(audit: Audit) -> str:
    """From when to when."""
    first, last = audit.coverage.first, audit.coverage.last
    if first is None or last is None:
        return "no calls"
    begin, end = (datetime.fromtimestamp(at, UTC) for at in (first, last))
    return f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"


def facts(audit: Audit) -> str:
    """Period, calls, and how sure the dollars are."""
    found = audit.coverage
    parts = [
        f"{period(audit)}: {found.calls:,} calls, {found.billed:,} of them billed. ",
        f"{hundredths(found.priced_share)} have a price ({found.prices}), "
        f"{hundredths(found.measured_share)} were counted by the provider. ",
    ]
    if found.by_cache:
        parts.append(
            f"{found.by_cache:,} were answered by a cache, which saved "
            f"{dollars(found.by_cache_dollars)}. "
        )
    parts.append("Draft: not reconciled with an invoice.")
    return "".join(parts)


def warnings(audit: Audit) -> list[str]:
    """What to keep in mind before believing any of it."""
    found, told = audit.coverage, []
    if audit.synthetic:
        told.append("These calls are synthetic: a generator made them up to show the report.")
    if found.unpriced_models:
        names = ", ".join(f"{name} ({calls:,})" for name, calls in found.unpriced_models[:5])
        told.append(
            f"Without a price, and in no sum: {names}. Give them in a file and name it with "
            "--prices."
        )
    if found.billed and found.measured_share < 0.95:
        told.append("Many token counts are estimates; let streams report their usage.")
    if found.billed and found.split < 0.5 * found.billed:
        told.append(
            "Of most calls only totals are known: spend by source, documents and prompt caching "
            "need the parts of the prompts."
        )
    if 0 < found.billed < FEW:
        told.append(f"{found.billed:,} calls are few: the projections may not hold for more.")
    return told


def together(audit: Audit) -> str:
    """What all steps save, and that it is less than their sum."""
    plan = audit.plan
    whole = audit.coverage.dollars
    if not plan.steps or not whole:
        return ""
    share = plan.together.times(1 / whole)
    text = (
        f"All steps together: {dollars(plan.together.expected)} "
        f"({hundredths(share.expected)}; {share_span(share)}). "
    )
    if plan.added_up > 1.02 * plan.together.expected:
        text += (
            f"Added up, each alone would save {dollars(plan.added_up)}: levers that save the same "
            "tokens multiply, they do not add."
        )
    return text.strip()


def minus(amount: float) -> str:
    """Dollars that are saved: a cost has a sign."""
    return dollars(amount) if amount >= 0 else f"{MINUS}{dollars(-amount)}"
