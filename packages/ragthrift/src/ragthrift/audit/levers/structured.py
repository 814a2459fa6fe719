"""Answers in a form that need no second call."""

from dataclasses import replace

from ragthrift.audit.bill import Bill, Level
from ragthrift.audit.levers.lever import Evidence, Lever, by_level

_AVOIDED = (0.5, 0.8, 0.95)
"""Of the dollars of repair calls: by a schema that the provider keeps, by a tolerant parser, and
by repairs without the documents."""


def structured_output(evidence: Evidence) -> Lever | None:
    """`None` where nothing is repaired."""
    if not any(call.purpose == "repair" for call in evidence.bill.calls):
        return None
    return Lever(
        name="structured output",
        title="Repair answers without asking again",
        apply=_repaired,
        assumes="50 to 95 % of the dollars for repairs go: most broken answers are mended on the "
        "spot, the others by a call without the documents",
        basis="assumed",
        risk="none",
        caution="what is mended must still match the schema, and is checked",
        code="structured(model, Schema)",
    )


def _repaired(bill: Bill, level: Level) -> Bill:
    repair = bill.flags([call.purpose == "repair" for call in bill.calls])
    return replace(bill, made=bill.made * (1 - by_level(level, *_AVOIDED) * repair))
