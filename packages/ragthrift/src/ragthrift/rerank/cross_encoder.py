"""Reranking by a model that reads the query and a passage together."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragthrift.protocols import TokenCounter
from ragthrift.rerank.keep import Keep
from ragthrift.rerank.order import Order
from ragthrift.rerank.reranker import ScoringReranker
from ragthrift.rerank.scorers import one_per_text, probabilities

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ragthrift.rerank.scorers import Scorer

    Floats = NDArray[np.float32]


class CrossEncoderReranker(ScoringReranker):
    """Orders passages by any `Scorer`.

    One is `OnnxScorer`, `SentenceTransformersScorer`, `LangChainScorer`, or a plain function
    `(query, texts) -> scores`.

    >>> from ragthrift import Passage
    >>> shortest = CrossEncoderReranker(lambda query, texts: [-len(text) for text in texts],
    ...                                 keep=Keep(top_k=1))
    >>> [passage.text for passage in shortest.rank("?", [Passage("long text"), Passage("text")])]
    ['text']
    """

    def __init__(
        self,
        scorer: "Scorer",
        *,
        keep: Keep = Keep(),  # noqa: B008 - frozen, so that sharing it is harmless
        order: Order = "score",
        token_counter: TokenCounter | None = None,
    ) -> None:
        super().__init__(keep=keep, order=order, token_counter=token_counter)
        self._scorer = scorer

    def scores(self, query: str, texts: Sequence[str]) -> "Floats":
        """What the scorer says, shape (n,); two logits become a probability."""
        import numpy as np

        scores = np.asarray(self._scorer(query, texts), dtype=np.float32)
        if scores.ndim == 2 and scores.shape[1] == 2:
            return probabilities(scores)
        return one_per_text(scores)
