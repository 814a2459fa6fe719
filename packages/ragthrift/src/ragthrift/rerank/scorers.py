"""What scores a query with texts: any function, and the models behind one.

A `Scorer` returns one number per text, shape (n,) or (n, 1), or two logits, shape (n, 2), of which
the second says "relevant".
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from ragthrift.errors import ModelError
from ragthrift.windows import best_window_scores, windows, word_offsets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float32]
    Scorer = Callable[[str, Sequence[str]], ArrayLike]


class LangChainCrossEncoder(Protocol):
    """The method of `langchain_core.cross_encoders.BaseCrossEncoder`."""

    def score(self, text_pairs: list[tuple[str, str]]) -> Sequence[float]:
        """One score per pair."""
        ...


class LangChainScorer:
    """A LangChain `BaseCrossEncoder`. Its scores are taken as they are, unless they are logits.

    LangChain's interface hides the model's tokenizer, so long texts are cut by words: 300 words
    and a short query stay within the 512 tokens that most cross-encoders read.
    """

    def __init__(
        self,
        cross_encoder: LangChainCrossEncoder,
        *,
        logits: bool = False,
        window_words: int = 300,
    ) -> None:
        self._cross_encoder = cross_encoder
        self._logits = logits
        self._window_words = window_words

    def __call__(self, query: str, texts: Sequence[str]) -> "Floats":
        """Shape (n,): the score of each text's best window."""
        return best_window_scores(
            lambda pieces: self._score(query, pieces),
            texts,
            lambda text: windows(text, word_offsets(text), self._window_words),
        )

    def _score(self, query: str, texts: Sequence[str]) -> "Floats":
        import numpy as np

        scores = self._cross_encoder.score([(query, text) for text in texts])
        numbers = np.asarray(scores, dtype=np.float32)
        return probabilities(numbers) if self._logits else numbers


def probabilities(logits: "Floats") -> "Floats":
    """Logits as numbers in [0, 1], shape (n,): sigmoid of one logit, softmax of two."""
    import numpy as np

    if logits.ndim == 2 and logits.shape[1] == 2:
        logits = logits[:, 1] - logits[:, 0]
    return np.asarray(1 / (1 + np.exp(-one_per_text(logits))), dtype=np.float32)


def one_per_text(scores: "Floats") -> "Floats":
    """Shape (n,) from (n,) or (n, 1); anything else is not a relevance score."""
    if scores.ndim == 2 and scores.shape[1] == 1:
        scores = scores[:, 0]
    if scores.ndim != 1:
        raise ModelError(
            f"scores of shape {scores.shape}: a relevance model gives one or two numbers a text; "
            "this one looks like a classifier with other labels"
        )
    return scores
