"""Answers that were given before, served again."""

from dataclasses import replace

from ragthrift.audit.bill import HISTORY, Bill, Level
from ragthrift.audit.levers.lever import Evidence, Lever, by_level

_EQUAL = (0.8, 0.95, 1.0)
"""Of the dollars of questions asked again in the same words. 55 of 64 were served while documents
changed (benchmarks/results/cache_drift.json); nothing is in the way where they do not change."""
_NEAR = (0.0, 0.55, 1.0)
"""Of those asked again in nearly the same words. FoW's pairs: 0.91 of near repeats and 0.54 of
paraphrases were served, of changed numbers and names none (benchmarks/results/cache.json)."""
_OTHER_WORDS = (0.0, 0.1, 0.5)
"""Of the rest, as a share of the share that is repeated: paraphrases, which no signature finds."""
_LEAST = 0.005


def answer_cache(evidence: Evidence) -> Lever | None:
    """`None` where hardly anything is asked again."""
    shares = {
        row.request_type: (row.equal_share, row.near_share)
        for row in evidence.questions
        if row.equal_share + row.near_share > _LEAST
    }
    if not shares:
        return None

    def apply(bill: Bill, level: Level) -> Bill:
        import numpy as np

        served = np.array([_served(shares.get(call.request_type), level) for call in bill.calls])
        alone = bill.answers & (bill.tokens[:, HISTORY] == 0)
        return replace(bill, made=bill.made * (1 - np.where(alone, served, 0.0)))

    return Lever(
        name="semantic cache",
        title="Serve answers that were given before",
        apply=apply,
        assumes="questions repeat as in this ledger, and answers stay valid; of equal questions 80 "
        "to 100 % are served, of nearly equal ones 0 to 100 %, of the rest a share that grows with "
        "the repetition, since paraphrases in other words cannot be seen here",
        basis="partly measured",
        risk="low",
        caution="a wrong answer may be served: begin in shadow mode, keep the scope strict",
        code='SemanticCache(minilm()).answer(question, model, scope=cache_scope(tenant="..."))',
    )


def _served(shares: tuple[float, float] | None, level: Level) -> float:
    if shares is None:
        return 0.0
    equal, near = shares
    repeated = min(equal + near, 1.0)
    hidden = by_level(level, *_OTHER_WORDS) * repeated * (1 - repeated)
    return min(by_level(level, *_EQUAL) * equal + by_level(level, *_NEAR) * near + hidden, 1.0)
