"""A cross-encoder on ONNX Runtime: no PyTorch needed."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ragthrift.errors import InputError
from ragthrift.onnx import OnnxTransformer
from ragthrift.rerank.pairs import PairWindows
from ragthrift.rerank.scorers import probabilities
from ragthrift.windows import best_window_scores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


Precision = Literal["fp32", "int8"]
FILES: dict[Precision, str] = {"fp32": "model.onnx", "int8": "model.int8.onnx"}


class OnnxScorer:
    """A folder with `tokenizer.json`, `model.onnx` (fp32) or `model.int8.onnx` (int8).

    `export_onnx` makes such a folder from any cross-encoder. Long texts are windowed and scored by
    their best window. Safe for threads.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        precision: Precision = "int8",
        max_tokens: int | None = None,
        threads: int | None = None,
    ) -> None:
        if precision not in FILES:
            raise InputError(f"precision={precision!r} must be one of {sorted(FILES)}")
        path = Path(folder)
        self._transformer = OnnxTransformer(
            path / FILES[precision], path / "tokenizer.json", threads=threads
        )
        self._max_tokens = max_tokens or _window(path)

    def __call__(self, query: str, texts: Sequence[str]) -> "Floats":
        """Probabilities of being relevant, shape (n,)."""
        pair = PairWindows(query, self._transformer.offsets, self._max_tokens)
        return best_window_scores(
            lambda pieces: probabilities(
                self._transformer.run([(pair.query, piece) for piece in pieces], _logits)
            ),
            texts,
            pair.cut,
        )


def _logits(output: "Floats", _mask: object) -> "Floats":
    return output


def _window(folder: Path) -> int:
    """The model's longest input, as its tokenizer was saved with; 512 where it does not say."""
    file = folder / "tokenizer_config.json"
    said = json.loads(file.read_text()).get("model_max_length") if file.is_file() else None
    return int(said) if said and said < 100_000 else 512
