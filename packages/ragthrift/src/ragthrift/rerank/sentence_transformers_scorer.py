"""A cross-encoder on PyTorch, by sentence-transformers: any hub name or local folder."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from ragthrift.errors import ModelError, missing_extra
from ragthrift.onnx import batches
from ragthrift.rerank.pairs import PairWindows
from ragthrift.rerank.scorers import probabilities
from ragthrift.windows import best_window_scores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sentence_transformers import CrossEncoder

    from ragthrift.windows import Offsets

    Floats = NDArray[np.float32]


class SentenceTransformersScorer:
    """`model` is a hub name, a local folder, or a loaded `CrossEncoder`.

    One-logit and two-logit models both give probabilities. Code from the hub is never run.
    One call at a time: Hugging Face tokenizers are not safe for threads while they pad.
    """

    def __init__(
        self, model: "str | CrossEncoder", *, device: str = "cpu", batch_tokens: int = 4096
    ) -> None:
        self._model = load_cross_encoder(model, device)
        self._batch_tokens = batch_tokens
        self._window = _window(self._model)
        self._lock = threading.Lock()

    def __call__(self, query: str, texts: Sequence[str]) -> "Floats":
        """Probabilities of being relevant, shape (n,)."""
        with self._lock:
            pair = PairWindows(query, self._offsets, self._window)
            return best_window_scores(
                lambda pieces: self._score(pair.query, pieces), texts, pair.cut
            )

    def _score(self, query: str, texts: Sequence[str]) -> "Floats":
        import numpy as np
        from torch.nn import Identity

        lengths = [len(self._offsets(text)) for text in texts]
        logits: list[Floats] = [np.zeros(0, dtype=np.float32)] * len(texts)
        for batch in batches(lengths, self._batch_tokens):
            rows = self._model.predict(
                [(query, texts[position]) for position in batch],
                batch_size=len(batch),
                activation_fn=Identity(),
                show_progress_bar=False,
            )
            for position, row in zip(batch, rows, strict=True):
                logits[position] = np.asarray(row, dtype=np.float32)
        return probabilities(np.stack(logits))

    def _offsets(self, text: str) -> "Offsets":
        encoded = self._model.tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        return list(encoded["offset_mapping"])


def load_cross_encoder(model: "str | CrossEncoder", device: str = "cpu") -> "CrossEncoder":
    """The model itself, or the one that a hub name or a folder names."""
    try:
        from sentence_transformers import CrossEncoder
    except ImportError as error:
        missing_extra("torch", "sentence-transformers", error)
    if isinstance(model, CrossEncoder):
        return cast("CrossEncoder", model)
    try:
        return cast("CrossEncoder", CrossEncoder(model, device=device, trust_remote_code=False))
    except OSError as error:
        raise ModelError(
            f"cannot load the cross-encoder {model!r}: give a folder that holds one, or a hub name "
            f"on a machine that reaches the hub ({error})"
        ) from error


def _window(model: "CrossEncoder") -> int:
    """The longest input; sentence-transformers renamed the property in version 5."""
    name = "max_seq_length" if hasattr(type(model), "max_seq_length") else "max_length"
    return int(getattr(model, name) or 512)
