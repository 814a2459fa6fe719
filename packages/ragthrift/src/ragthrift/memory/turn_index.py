"""Turns that can be found by words: each alone, and each with those around it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ragthrift.lexical import Bm25
from ragthrift.memory.content_words import content_text
from ragthrift.memory.segment import Fact
from ragthrift.memory.turn import Turn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

REACH = 2
"""Turns before and after that speak for one: an answer is found by the words of its question."""
_STOP_SHARE = 0.3
"""What a stop word counts of its rarity."""
_SMOOTHING = (0.25, 0.5, 1.0, 0.5, 0.25)
"""What a turn lends to its neighbours. All constants here and in `ragthrift.memory.recall` were
chosen on conversations 26, 30 and 41 of LoCoMo (Maharana et al., 2024) and judged on others."""


class TurnIndex:
    """BM25 over turns in the order of their conversation.

    A turn is found by its words, by its date, and by the facts that were read from it, whose words
    are often nearer to those of a question. Nothing of it is sent: a fact points at its turns.
    """

    def __init__(self, turns: Sequence[Turn], facts: Iterable[Fact] = ()) -> None:
        pointing: dict[str, list[str]] = defaultdict(list)
        for fact in facts:
            for turn_id in fact.turn_ids:
                pointing[turn_id].append(fact.text)
        texts = [" ".join([_dated(turn), *pointing[turn.id]]) for turn in turns]
        around = [texts[max(0, at - REACH) : at + REACH + 1] for at in range(len(texts))]
        self._alone = Bm25(texts)
        self._around = Bm25([" ".join(near) for near in around])

    def scores(self, query: str) -> "Scores":
        """Shape (n,), from 0 to 2, for a query whose words are found; all 0 otherwise."""
        import numpy as np

        alone = _weighed(self._alone, query)
        smooth = np.convolve(alone, _SMOOTHING)[REACH : len(alone) + REACH]
        return of_best(smooth) + of_best(_weighed(self._around, query))


def of_best(scores: "Scores") -> "Scores":
    """Scores as shares of the highest, from 0 to 1."""
    import numpy as np

    positive = np.maximum(scores, 0.0)
    best = positive.max(initial=0.0)
    return np.asarray(positive / best if best else positive, dtype=np.float64)


def _weighed(index: Bm25, query: str) -> "Scores":
    """BM25 with stop words counting less, and nothing where no other word is found."""
    import numpy as np

    telling = index.scores(content_text(query))
    if not telling.any():
        return telling
    return np.asarray(_STOP_SHARE * index.scores(query) + (1 - _STOP_SHARE) * telling)


def _dated(turn: Turn) -> str:
    """The text of a message and its calls, with the date in the words of a question."""
    calls = [f"{call.name} {call.arguments}" for call in turn.message.tool_calls]
    when = datetime.fromtimestamp(turn.at, UTC)
    return " ".join([turn.message.content, *calls, f"{when.day} {when:%B %Y}"])
