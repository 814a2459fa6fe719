"""Texts as vectors: a sentence encoder on ONNX Runtime, and the embedded default."""

import os
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from ragthrift.errors import missing_extra
from ragthrift.onnx import OnnxTransformer
from ragthrift.windows import windows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Integers = NDArray[np.int64]


class OnnxEmbedder:
    """A mean-pooling sentence encoder. A text beyond `max_tokens` is the mean of its windows."""

    def __init__(
        self,
        model: str | os.PathLike[str],
        tokenizer: str | os.PathLike[str],
        *,
        max_tokens: int = 256,
        threads: int | None = None,
    ) -> None:
        self._transformer = OnnxTransformer(model, tokenizer, threads=threads)
        self._window = max_tokens - 2  # room for the special tokens around a text

    def embed(self, texts: Sequence[str]) -> "Floats":
        """Unit vectors, shape (n, d); an empty list gives shape (0, d)."""
        import numpy as np

        if not texts:
            return self.embed([""])[:0]
        pieces = [windows(text, self._transformer.offsets(text), self._window) for text in texts]
        vectors = self._transformer.run([p for group in pieces for p in group], _mean_pool)
        if len(vectors) == len(pieces):
            return vectors
        starts = np.cumsum([0, *(len(group) for group in pieces[:-1])])
        return _unit(np.add.reduceat(vectors, starts))


@cache
def minilm() -> OnnxEmbedder:
    """all-MiniLM-L6-v2, int8, from PyPI: the embedded default, one instance per process.

    Wang et al., 2020; trained by sentence-transformers on a billion pairs, MS MARCO and Natural
    Questions among them. 256 tokens, 384 dimensions. Needs the `embedded` extra.
    """
    try:
        from ragthrift_models import minilm_model, minilm_tokenizer
    except ImportError as error:
        missing_extra("embedded", "ragthrift-models", error)
    return OnnxEmbedder(minilm_model(), minilm_tokenizer())


def _mean_pool(tokens: "Floats", mask: "Integers") -> "Floats":
    weights = mask[..., None].astype(tokens.dtype)
    return _unit((tokens * weights).sum(axis=1))


def _unit(vectors: "Floats") -> "Floats":
    import numpy as np

    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)
