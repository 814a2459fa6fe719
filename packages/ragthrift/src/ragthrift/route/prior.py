"""What is expected before anything was learnt."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, tanh

from ragthrift.route.answer_features import NAMES, answered
from ragthrift.route.ask import Ask
from ragthrift.route.features import difficulty
from ragthrift.route.outcome import Outcome

_REACH = 3.0
_CHEAP = (1.0, 0.8)
"""Log-odds of a right answer by the cheapest tier at difficulty 0, and what each unit costs."""
_STRONG = (1.8, 0.5)
"""The same of the strongest: above the cheapest, and falling less, so that gains grow."""


@dataclass(frozen=True, slots=True)
class PriorQuality:
    """Expects more of every dearer tier, and the more so the harder an ask looks.

    >>> cheap, strong = PriorQuality().expected(Ask("What is 6 x 7?"), ["cheap", "strong"])
    >>> 0 < cheap < strong < 1
    True
    """

    def expected(self, ask: Ask, tiers: Sequence[str]) -> tuple[float, ...]:
        """Expected quality of each tier by its rank alone; a name says nothing."""
        hard = _REACH * tanh(difficulty(ask) / _REACH)
        top = max(len(tiers) - 1, 1)
        ranks = [place / top if len(tiers) > 1 else 1.0 for place in range(len(tiers))]
        return tuple(_share(_at(rank, 0) - _at(rank, 1) * hard) for rank in ranks)

    def fit(self, outcomes: Sequence[Outcome]) -> "PriorQuality":  # noqa: ARG002
        """Itself: a prior does not learn; `LearnedQuality` does."""
        return self


@dataclass(frozen=True, slots=True)
class PriorEscalation:
    """Expects a dearer answer to mend what an answer shows to be wrong with itself.

    Sums that do not come out, an end in mid-sentence, doubts, and, where a number was asked for,
    numbers of the question that were left out; harder asks before easier ones.
    """

    def gain(self, ask: Ask, answer: str, tier: str, above: str) -> float:  # noqa: ARG002
        """Expected gain by the answer alone; the tiers' names say nothing."""
        seen = dict(zip(NAMES, answered(ask, answer), strict=True))
        suspicion = (
            2.0 * seen["wrong_share"]
            + 1.0 * (1 - seen["ends"])
            + 0.7 * seen["fraction_of_things"]
            + 0.3 * seen["doubts"]
            + 0.3 * (1 - seen["question_numbers_used"])
            + 0.3 * difficulty(ask)
        )
        return 0.6 * _share(suspicion - 2.0)

    def fit(self, outcomes: Sequence[Outcome]) -> "PriorEscalation":  # noqa: ARG002
        """Itself: a prior does not learn; `LearnedEscalation` does."""
        return self


def _at(rank: float, part: int) -> float:
    return _CHEAP[part] + rank * (_STRONG[part] - _CHEAP[part])


def _share(log_odds: float) -> float:
    return 1 / (1 + exp(-log_odds))
