"""What every reranker does around its scores: select, arrange, explain."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragthrift.errors import InputError, ModelError
from ragthrift.protocols import TokenCounter
from ragthrift.rerank.keep import Keep, Ranking
from ragthrift.rerank.order import ORDERS, Order, arrange
from ragthrift.tokens import EstimatedTokens
from ragthrift.types import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class ScoringReranker(ABC):
    """Scores passages, keeps the best within limits, and hands them on in a chosen order.

    `token_counter` counts for `Keep.budget`: give that of the model that will answer.
    """

    def __init__(
        self,
        *,
        keep: Keep = Keep(),  # noqa: B008 - frozen, so that sharing it is harmless
        order: Order = "score",
        token_counter: TokenCounter | None = None,
    ) -> None:
        if order not in ORDERS:
            raise InputError(f"order={order!r} must be one of {ORDERS}")
        self._keep = keep
        self._order = order
        self._counter = token_counter or EstimatedTokens()

    @abstractmethod
    def scores(self, query: str, texts: Sequence[str]) -> "Floats":
        """Relevance of each text, shape (n,), higher is better."""

    def rank(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        """The kept passages with their new scores, in the chosen order."""
        return list(self.explain(query, passages).kept)

    def explain(self, query: str, passages: Sequence[Passage]) -> Ranking:
        """The same, with every dropped passage (worst limits last) and the reason."""
        if not passages:
            return Ranking((), ())
        ranking = self._keep.select(self._best_first(query, passages), self._counter)
        return Ranking(tuple(arrange(ranking.kept, self._order)), ranking.dropped)

    def _best_first(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        import numpy as np

        scores = self.scores(query, [passage.text for passage in passages])
        if scores.shape != (len(passages),) or not np.isfinite(scores).all():
            raise ModelError(
                f"{type(self).__name__} scored {len(passages)} passages with {scores!r}: "
                "one finite number for each is needed"
            )
        order = np.argsort(-scores, kind="stable")
        return [passages[at].with_score(scores[at]) for at in order]
