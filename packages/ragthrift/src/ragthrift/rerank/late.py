"""Reranking by cosine, BM25 and late interaction, from one encoding of each text."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragthrift.errors import InputError
from ragthrift.late import (
    BM25_WEIGHT,
    LATE_WEIGHT,
    fused,
    inverse_frequency,
    late_scores,
    probability,
    with_shares,
)
from ragthrift.lexical import Bm25
from ragthrift.protocols import TokenCounter
from ragthrift.rerank.keep import Keep
from ragthrift.rerank.order import Order
from ragthrift.rerank.reranker import ScoringReranker
from ragthrift.states import StateEncoder, minilm_states
from ragthrift.windows import best_window_scores, windows, word_offsets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_WINDOW_WORDS = 180
"""Close to 256 tokens, what MiniLM reads."""


class LateInteractionReranker(ScoringReranker):
    """`HybridReranker` with the question's words matched one by one, at the same cost.

    The order is that of `(cosine + b * share + l * late) / (1 + b + l)`; the score is the
    probability that the passage answers, calibrated for MiniLM and these weights: `ragthrift.late`.
    States are kept by the encoder, so passages that come again cost next to nothing, and
    `ragthrift.compress.EvidenceReader` on the same encoder reads them for free.
    """

    def __init__(
        self,
        encoder: StateEncoder | None = None,
        *,
        bm25_weight: float = BM25_WEIGHT,
        late_weight: float = LATE_WEIGHT,
        keep: Keep = Keep(),  # noqa: B008 - frozen, so that sharing it is harmless
        order: Order = "score",
        token_counter: TokenCounter | None = None,
    ) -> None:
        super().__init__(keep=keep, order=order, token_counter=token_counter)
        if bm25_weight < 0 or late_weight < 0:
            raise InputError("bm25_weight and late_weight must not be negative")
        self._encoder = encoder or minilm_states()
        self._bm25_weight = bm25_weight
        self._late_weight = late_weight

    def scores(self, query: str, texts: Sequence[str]) -> "Floats":
        """Probability of being relevant, shape (n,); comparable between queries."""
        import numpy as np

        weight = self._late_weight
        rarity = inverse_frequency(texts)
        asked = self._encoder.read([query])[0]

        def meaning(pieces: Sequence[str]) -> "Floats":
            read = self._encoder.read(pieces)
            cosines = np.stack([piece.vector for piece in read]) @ asked.vector
            late = late_scores(query, asked, read, rarity)
            return fused(cosines, late, late_weight=weight)

        parts = best_window_scores(meaning, texts, _cut)
        shares = Bm25(texts).shares(query)
        return probability(
            with_shares(parts, shares, bm25_weight=self._bm25_weight, late_weight=weight)
        )


def _cut(text: str) -> list[str]:
    return windows(text, word_offsets(text), _WINDOW_WORDS)
