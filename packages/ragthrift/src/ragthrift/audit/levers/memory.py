"""Long conversations, sent as a short view."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ragthrift.audit.bill import HISTORY, KINDS, Bill, Level
from ragthrift.audit.levers.lever import Evidence, Lever, by_level

if TYPE_CHECKING:
    from ragthrift.audit.bill import Floats

HIGH = 5000
"""Tokens of rules and conversation above which the default policy summarises (docs/memory.md)."""
_LEAST = 1300
"""Of the conversation, what is sent after a summary: 800 of recent turns, a summary of 300 and
some facts. From there it grows to `HIGH` again, so that 3,150 are sent on the average; on LoCoMo
it were 2,938 (benchmarks/results/memory.json)."""
_LONGER = (1.4, 1.0, 0.7)
"""The view beside that: recall adds to it, short turns and few facts take from it."""
_STILL_CACHED = (0.75, 0.93, 1.0)
"""Of what a provider's cache served before, see `cached_share` in the same file."""
_SYSTEM = KINDS.index("system")


def memory(evidence: Evidence) -> Lever | None:
    """`None` where conversations stay below what the policy leaves alone."""
    if not (_view(evidence.bill) < evidence.bill.tokens[:, HISTORY]).any():
        return None
    return Lever(
        name="memory",
        title="Send a view of long conversations",
        apply=_condensed,
        assumes="conversations are summarised at 5,000 tokens and grow again from 1,300, give or "
        "take 40 and 30 %; summaries are extractive and cost nothing; 75 to 100 % of what the "
        "provider's cache served is still served",
        basis="partly measured",
        risk="medium",
        caution="what recall does not find is not in the prompt: 84 % of LoCoMo's evidence stood "
        "in 2,000 recalled tokens",
        code="MemoryMiddleware(ConversationMemory())",
    )


def _view(bill: Bill) -> "Floats":
    """Tokens that are sent of each conversation: shape (n,)."""
    import numpy as np

    history, rules = bill.tokens[:, HISTORY], bill.tokens[:, _SYSTEM]
    room = np.maximum(HIGH - rules, 2 * _LEAST)
    since = (history - room) % (room - _LEAST)
    view: Floats = np.where(history > room, _LEAST + since, history)
    return view


def _condensed(bill: Bill, level: Level) -> Bill:
    import numpy as np

    history, view = bill.tokens[:, HISTORY], _view(bill)
    long = view < history
    sent = np.minimum(by_level(level, *_LONGER) * view, history)
    share = np.where(long, sent / np.where(long, history, 1.0), 1.0)
    shorter = bill.scaled(HISTORY, share)
    read = shorter.read.copy()
    read[long, HISTORY] *= by_level(level, *_STILL_CACHED)
    return replace(shorter, read=read)
