"""A quantized model on a machine of one's own."""

from dataclasses import replace

from ragthrift.audit.bill import Bill, Level
from ragthrift.audit.levers.lever import Evidence, Lever, by_level

_HOUR = (2.0, 1.0, 0.5)
"""Dollars for an hour of a GPU with 24 GB, which holds a model of 8 to 14 billion weights in 4
bits: our assumption, in the range of what clouds list."""
_MOVED = (0.2, 0.4, 0.7)
"""Of the answers' dollars that such a model can take over: our assumption."""
_MONTH = 730.0
_LEAST_DAYS = 1.0


def self_hosting(evidence: Evidence) -> Lever | None:
    """`None` for a ledger too short to tell a month's bill."""
    if evidence.days < _LEAST_DAYS or not evidence.scale:
        return None
    hours = evidence.days * 24 / evidence.scale
    month = evidence.bill.total * evidence.scale / evidence.days * _MONTH / 24
    least = _HOUR[1] * _MONTH / _MOVED[1]

    def apply(bill: Bill, level: Level) -> Bill:
        moved = by_level(level, *_MOVED) * bill.answers
        machine = by_level(level, *_HOUR) * hours / max(len(bill.calls), 1)
        left = bill.made * (1 - moved)
        weight = left * bill.factor
        fixed = bill.fixed.copy()
        some = weight > 0
        fixed[some] += machine / weight[some]
        return replace(bill, made=left, fixed=fixed)

    return Lever(
        name="self-hosting",
        title="Run a quantized model for the easy part",
        apply=apply,
        assumes=f"20 to 70 % of the answers move to one machine of 0.5 to 2 dollars an hour; it "
        f"pays above about {least:,.0f} dollars a month, now they are {month:,.0f}",
        basis="assumed",
        risk="high",
        caution="is the model good enough? `ragthrift local recommend`, then `ragthrift bench`",
        code='ChatLocal(llm=load_model("your-model-Q4_K_M.gguf"))',
    )
