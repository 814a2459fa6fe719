"""The tables of a report, the same for every format."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from ragthrift.audit.projection import Projection, Step
from ragthrift.audit.report import Audit
from ragthrift.audit.reports.words import dollar_span, dollars, hundredths, share_span
from ragthrift.page.numbers import NOTHING, plain
from ragthrift.page.tables import NO_CELL, Cell, Table

SHOWN = 30
"""Types of requests in a table."""


def type_table(audit: Audit) -> Table:
    """Spend by type of request."""
    heads = ("Type of request", "Calls", "Dollars", "Share", "Cumulative", "Dollars a call")
    rows = tuple(
        (
            Cell(row.name),
            Cell(f"{row.calls:,}"),
            Cell(dollars(row.dollars)),
            Cell(hundredths(row.share)),
            Cell(hundredths(row.cumulative)),
            _or_none(row.dollars_per_call, dollars),
        )
        for row in audit.types[:SHOWN]
    )
    return Table("Dearest first", heads, rows, range(1, 6))


def shape_table(audit: Audit) -> Table:
    """Prompts and answers by type of request."""
    heads = (
        "Type of request",
        "Input p50",
        "Input p95",
        "Output p50",
        "Output p95",
        "Cached",
        "Reasoning",
        "Retries",
        "Cut off",
        "By cache",
    )
    rows = tuple(
        (
            Cell(row.name),
            *(
                Cell(plain(amount, 0))
                for amount in (row.input_p50, row.input_p95, row.output_p50, row.output_p95)
            ),
            Cell(hundredths(row.cached_share)),
            Cell(hundredths(row.reasoning_share)),
            *(Cell(f"{count:,}") for count in (row.retries, row.truncated, row.by_cache)),
        )
        for row in audit.types[:SHOWN]
    )
    caption = "Tokens of a call; cached of the input, reasoning of the output"
    return Table(caption, heads, rows, range(1, 10))


def source_table(audit: Audit) -> Table:
    """Spend by where tokens come from."""
    rows = tuple(
        (
            Cell(row.name),
            Cell(plain(row.tokens, 0)),
            Cell(dollars(row.dollars)),
            Cell(hundredths(row.share)),
        )
        for row in audit.sources
    )
    return Table(
        "Cached tokens at their own price",
        ("Source", "Tokens", "Dollars", "Share"),
        rows,
        range(1, 4),
    )


def lever_table(audit: Audit) -> Table:
    """Each lever alone."""
    heads = ("Lever", "Saves alone", "Of all", "Rests on", "Risk", "Leaves less for it")
    rows = tuple(_lever_row(found) for found in audit.plan.projections)
    return Table("Each alone, in this order", heads, rows, range(1, 3))


def _lever_row(found: Projection) -> tuple[Cell, ...]:
    overlaps = ", ".join(f"{name} ({hundredths(lost)})" for name, lost in found.overlaps[:3])
    return (
        Cell(found.lever),
        Cell(dollars(found.dollars.expected), dollar_span(found.dollars)),
        Cell(hundredths(found.share.expected), share_span(found.share)),
        Cell(found.basis),
        Cell(found.risk),
        Cell(overlaps or NOTHING),
    )


def step_table(audit: Audit) -> Table:
    """One lever after the other."""
    heads = ("Step", "Saves after those before", "Then still paid")
    rows = tuple(_step_row(number, step) for number, step in enumerate(audit.plan.steps, 1))
    return Table("By expected dollars times confidence", heads, rows, range(1, 3))


def _step_row(number: int, step: Step) -> tuple[Cell, ...]:
    return (
        Cell(f"{number}. {step.lever}"),
        Cell(dollars(step.dollars.expected), dollar_span(step.dollars)),
        Cell(dollars(step.left.expected), dollar_span(step.left)),
    )


def question_table(audit: Audit) -> Table:
    """What was asked before."""
    heads = ("Type of request", "Questions", "Asked before", "Nearly so", "Dollars paid again")
    rows = tuple(
        (
            Cell(row.request_type),
            Cell(f"{row.calls:,}"),
            Cell(hundredths(row.equal / row.calls)),
            Cell(hundredths(row.near / row.calls)),
            Cell(dollars(row.equal_dollars + row.near_dollars)),
        )
        for row in audit.questions[:SHOWN]
        if row.calls
    )
    caption = "Without a conversation before them; nearly: 70 % of their runs of 4 characters"
    return Table(caption, heads, rows, range(1, 5))


def document_table(audit: Audit) -> Table:
    """The documents that were sent most."""
    if audit.documents is None:
        return Table("", (), (), range(0))
    rows = tuple(
        (Cell(hot.id), Cell(f"{hot.sent:,}"), Cell(f"{hot.tokens:,}"))
        for hot in audit.documents.hottest
    )
    return Table("Sent most", ("Document", "Times", "Tokens"), rows, range(1, 3))


def cap_table(audit: Audit) -> Table:
    """Answers beside their limit."""
    heads = ("Type of request", "With a limit", "p95 of the limit", "Above nine tenths", "Cut off")
    rows = tuple(
        (
            Cell(row.name),
            Cell(hundredths(row.capped / max(row.calls - row.by_cache, 1))),
            _or_none(row.cap_use_p95, hundredths),
            Cell(hundredths(row.near_cap / row.capped)) if row.capped else NO_CELL,
            Cell(f"{row.truncated:,}"),
        )
        for row in audit.types[:SHOWN]
    )
    return Table("Answers against max_tokens", heads, rows, range(1, 5))


def prefix_table(audit: Audit) -> Table:
    """How prompts begin."""
    heads = ("Type of request", "Equal to one before", "Read from a cache", "First difference in")
    rows = tuple(
        (
            Cell(row.request_type),
            Cell(hundredths(row.stable_share)),
            Cell(hundredths(row.cached_share)),
            Cell(", ".join(f"{name} {hundredths(share)}" for name, share in row.differs_in)),
        )
        for row in audit.prefixes[:SHOWN]
    )
    caption = "Share of the tokens before the first difference, to the prompt before"
    return Table(caption, heads, rows, range(1, 3))


def dear_table(audit: Audit) -> Table:
    """The most expensive calls."""
    heads = ("Call", "Type of request", "Model", "When", "Input", "Output", "Dollars")
    rows = tuple(
        (
            Cell(call.id[:12]),
            Cell(call.request_type),
            Cell(call.model),
            Cell(f"{datetime.fromtimestamp(call.at, UTC):%Y-%m-%d %H:%M}"),
            Cell(f"{call.input_tokens:,}"),
            Cell(f"{call.output_tokens:,}"),
            Cell(dollars(call.dollars)),
        )
        for call in audit.dearest
    )
    return Table("One by one", heads, rows, range(4, 7))


def at_work_table(audit: Audit) -> Table:
    """Levers that are in place already."""
    rows = tuple(
        (
            Cell(name),
            Cell(plain(saved.before, 0)),
            Cell(plain(saved.after, 0)),
            Cell(hundredths(saved.share)),
        )
        for name, saved in audit.at_work.items()
    )
    return Table("Prompt tokens", ("Lever", "Before", "After", "Saved"), rows, range(1, 4))


def _or_none(amount: float | None, told: Callable[[float], str]) -> Cell:
    return NO_CELL if amount is None else Cell(told(amount))


Section = tuple[str, Table, str]
"""A title, a table, and a sentence below it."""


def sections(audit: Audit) -> Sequence[Section]:
    """Everything below the plan, in the order of reading."""
    found = [
        ("Where the money goes", type_table(audit), ""),
        ("Prompts and answers", shape_table(audit), ""),
        ("Where the tokens come from", source_table(audit), ""),
        ("Questions that were asked before", question_table(audit), _questions(audit)),
        ("Documents", document_table(audit), _documents(audit)),
        ("How prompts begin", prefix_table(audit), ""),
        ("Answers against their limit", cap_table(audit), ""),
        ("The most expensive calls", dear_table(audit), ""),
        ("Levers at work already", at_work_table(audit), ""),
    ]
    return [section for section in found if section[1].rows]


def _questions(audit: Audit) -> str:
    if not audit.questions_in_conversations:
        return ""
    return (
        f"{audit.questions_in_conversations:,} more questions stood in a conversation; another's "
        "answer is none to them."
    )


def _documents(audit: Audit) -> str:
    found = audit.documents
    if found is None:
        return ""
    unused = (
        "whether answers used them is not known"
        if found.unused_share is None
        else f"of {hundredths(found.unused_share)} no answer shows a trace (an estimate)"
    )
    return (
        f"{found.different:,} different documents were sent {found.sent:,} times; "
        f"{hundredths(found.repeated_share)} of their tokens had been sent before, "
        f"{found.hot:,} make up half of all, "
        f"{hundredths(found.doubled_share)} stood in the same prompt twice; {unused}."
    )
