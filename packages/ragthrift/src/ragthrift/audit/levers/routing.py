"""Easy questions, answered by a cheaper model."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ragthrift.audit.bill import Bill, Level, rates_of
from ragthrift.audit.levers.lever import Evidence, Lever, by_level
from ragthrift.ledger import Call

_ROUTED = (0.15, 0.35, 0.6)
"""Of the calls of a type, to the cheaper model. At 98 % of the strong model's quality 0.19 went
there on MMLU and GSM8K, at 95 % 0.40 (benchmarks/results/route.json, `targets`); among nine models
the bill fell by 0.64 at 98 %."""
_SIBLINGS = (
    (r"^(gpt-\d+(?:\.\d+)?)(?!-(?:mini|nano)).*$", r"\1-mini"),
    (r"^(claude-)opus(.*)$", r"\1sonnet\2"),
    (r"^(claude-)sonnet(.*)$", r"\1haiku\2"),
    (r"^(gemini-[\d.]+-)pro(.*)$", r"\1flash\2"),
    (r"^(gemini-[\d.]+-)flash(?!-lite)(.*)$", r"\1flash-lite\2"),
    (r"^(mistral-)large(.*)$", r"\1small\2"),
)
"""How providers name the next cheaper model of a family; the price list must know it."""


@dataclass(frozen=True, slots=True)
class Cheaper:
    """Another model, and its dollars for what the first one charges 1."""

    model: str
    factor: float


def routing(evidence: Evidence) -> Lever | None:
    """`None` where no cheaper model of the family is known."""
    known: dict[str, Cheaper | None] = {}
    for call in evidence.bill.calls:
        if call.model not in known:
            known[call.model] = cheaper_than(call, evidence)
    found = {model: other for model, other in known.items() if other is not None}
    if not found:
        return None

    def apply(bill: Bill, level: Level) -> Bill:
        import numpy as np

        factor = np.array([_factor(call, found) for call in bill.calls])
        routed = by_level(level, *_ROUTED) * bill.answers
        return replace(bill, factor=bill.factor * (1 - routed * (1 - factor)))

    pairs = "; ".join(
        f"{model} to {other.model} at {other.factor:.0%}"
        for model, other in list(found.items())[:3]
    )
    return Lever(
        name="routing",
        title="Ask a cheaper model where it is enough",
        apply=apply,
        assumes=f"15 to 60 % of the answers come from the cheaper model (35 % expected): {pairs}; "
        "none of your questions were tried on it",
        basis="assumed",
        risk="medium",
        caution="measure both models on your own questions: `fit` and `calibrate` take outcomes",
        code="Router(tiers).calibrate(Quality(0.98), outcomes)",
    )


def _factor(call: Call, found: Mapping[str, Cheaper]) -> float:
    other = found.get(call.model)
    return 1.0 if other is None else other.factor


def cheaper_than(call: Call, evidence: Evidence) -> Cheaper | None:
    """The sibling that the price list knows, `None` without one."""
    name = re.sub(r"-\d{4}-?\d{2}-?\d{2}$", "", call.model.lower())
    for pattern, sibling in _SIBLINGS:
        other = re.sub(pattern, sibling, name)
        if other == name:
            continue
        ours = rates_of(replace(call, processing="standard"), evidence.prices)
        theirs = rates_of(replace(call, processing="standard", model=other), evidence.prices)
        if theirs[0] and theirs[0] < ours[0]:
            return Cheaper(other, (theirs[0] / ours[0] + theirs[3] / ours[3]) / 2)
    return None
