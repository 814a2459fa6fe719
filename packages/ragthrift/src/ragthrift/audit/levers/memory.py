"""Long conversations, sent as a short view."""

from dataclasses import replace

from ragthrift.audit.bill import HISTORY, Bill, Level
from ragthrift.audit.levers.lever import Evidence, Lever, by_level

HIGH = 5000
"""Tokens above which the default policy summarises (docs/memory.md)."""
_VIEW = (4200, 3000, 2000)
"""Tokens that are sent of a long conversation: on LoCoMo 2,938 on the average, 5,277 at most
(benchmarks/results/memory.json)."""
_STILL_CACHED = (0.75, 0.93, 1.0)
"""Of what a provider's cache served before, see `cached_share` in the same file."""


def memory(evidence: Evidence) -> Lever | None:
    """`None` where conversations stay below what the policy leaves alone."""
    if not (evidence.bill.tokens[:, HISTORY] > HIGH).any():
        return None
    return Lever(
        name="memory",
        title="Send a view of long conversations",
        apply=_condensed,
        assumes="of conversations above 5,000 tokens 2,000 to 4,200 are sent (3,000 expected); "
        "summaries are extractive and cost nothing; 75 to 100 % of what the provider's cache "
        "served is still served",
        basis="partly measured",
        risk="medium",
        caution="what recall does not find is not in the prompt: 84 % of LoCoMo's evidence stood "
        "in 2,000 recalled tokens",
        code="MemoryMiddleware(ConversationMemory())",
    )


def _condensed(bill: Bill, level: Level) -> Bill:
    import numpy as np

    history = bill.tokens[:, HISTORY]
    long = history > HIGH
    view = by_level(level, *_VIEW)
    share = np.where(long, view / np.where(long, history, 1.0), 1.0)
    shorter = bill.scaled(HISTORY, share)
    read = shorter.read.copy()
    read[long, HISTORY] *= by_level(level, *_STILL_CACHED)
    return replace(shorter, read=read)
