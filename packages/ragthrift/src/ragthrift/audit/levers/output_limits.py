"""Answers no longer than they need to be."""

from collections import defaultdict
from dataclasses import replace

from ragthrift.audit.bill import QUESTION, Bill, Level
from ragthrift.audit.levers.lever import Evidence, Lever, by_level

_OBEYED = (0.3, 0.7, 1.0)
"""Of the tokens above the length asked for: those that are not written. Models follow lengths
loosely: our assumption, which the hold-out of `OutputBudget` replaces by a measurement."""
_ASKED = (1.0, 1.0, 0.8)
"""The length, beside the median: "at most" makes many answers shorter."""
_HOLDOUT = 0.1
"""Conversations that `OutputBudget` leaves alone by default, to compare with."""
_INSTRUCTION = 16
"""Tokens of "Answer in at most 90 words. Leave out what was not asked for."."""
_LEAST_CALLS = 50
_LEAST_SAVED = 0.02


def output_limits(evidence: Evidence) -> Lever | None:
    """`None` where answers are of one length, or few."""
    import numpy as np

    lengths = defaultdict(list)
    for call, output in zip(evidence.bill.calls, evidence.bill.output, strict=True):
        if call.purpose == "answer" and output and not call.error:
            lengths[call.request_type].append(output)
    medians = {
        name: float(np.median(found))
        for name, found in lengths.items()
        if len(found) >= _LEAST_CALLS and _above(found) > _LEAST_SAVED
    }
    if not medians:
        return None

    def apply(bill: Bill, level: Level) -> Bill:
        usual = np.array([medians.get(call.request_type, np.inf) for call in bill.calls])
        asked = np.isfinite(usual) & bill.answers
        wanted = np.where(asked, by_level(level, *_ASKED) * usual, np.inf)
        above = np.maximum(bill.output - wanted, 0.0)
        saved = by_level(level, *_OBEYED) * (1 - _HOLDOUT) * above
        tokens = bill.tokens.copy()
        tokens[asked, QUESTION] += _INSTRUCTION
        return replace(bill, output=bill.output - saved, tokens=tokens)

    return Lever(
        name="output limits",
        title="Ask for answers of the usual length, and limit them",
        apply=apply,
        assumes="of the answer tokens above each type's median 30 to 100 % are not written (70 % "
        "expected; at the high end a fifth of the median, too), in nine of ten conversations; "
        "thinking stays as it is",
        basis="partly measured",
        risk="low",
        caution="answers may be cut off: the budget watches that, its hold-out measures the saving",
        code='OutputBudget.learn(open_ledger("calls.db").calls())',
    )


def _above(lengths: list[float]) -> float:
    """Share of the tokens that lie above the median."""
    import numpy as np

    found = np.array(lengths)
    return float(np.maximum(found - np.median(found), 0).sum() / found.sum())
