"""Calls that nobody waits for, at the price of a batch."""

import re
from dataclasses import replace

from ragthrift.audit.bill import Bill, Level
from ragthrift.audit.levers.lever import Evidence, Lever
from ragthrift.ledger import Call

_NOT_WAITED_FOR = frozenset({"judge", "shadow"})
_NAMES = re.compile(
    r"(?:^|[^a-z])(?:batch|offline|nightly|cron|eval\w*|ingest\w*|index(?:ing|er)?|backfill|digest"
    r"|report)(?:$|[^a-z])"
)


def batch(evidence: Evidence) -> Lever | None:
    """`None` where no call is known that could wait, or no price of a batch."""
    import numpy as np

    calls = evidence.bill.calls
    cheaper = np.array([_factor(call, evidence) for call in calls])
    sure = np.array([call.purpose in _NOT_WAITED_FOR for call in calls])
    named = np.array([bool(_NAMES.search(call.request_type.lower())) for call in calls])
    later = np.array([call.purpose == "summary" for call in calls])
    if not ((sure | named | later) & (cheaper < 1)).any():
        return None
    chosen = {"low": sure, "expected": sure | named, "high": sure | named | later}

    def apply(bill: Bill, level: Level) -> Bill:
        return replace(bill, factor=bill.factor * np.where(chosen[level], cheaper, 1.0))

    names = sorted({c.request_type for c, hit in zip(calls, named, strict=True) if hit})
    return Lever(
        name="batch",
        title="Send in a batch what nobody waits for",
        apply=apply,
        assumes="judges and shadow calls can wait"
        + (f", and so can what is called {', '.join(names[:4])}" if names else "")
        + "; at most summaries, too. Prices of batches are those of the price list",
        basis="measured" if sure.any() else "partly measured",
        risk="none",
        caution="answers come within 24 hours, mostly sooner",
        code='BatchRunner(OpenAIBatches(model), "jobs.db").submit(requests)',
    )


def _factor(call: Call, evidence: Evidence) -> float:
    if call.processing != "standard":
        return 1.0
    now = evidence.prices.dollars(call)
    then = evidence.prices.dollars(replace(call, processing="batch"))
    return float(then / now) if now and then is not None else 1.0
