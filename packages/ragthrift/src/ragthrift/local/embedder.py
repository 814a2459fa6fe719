"""Embeddings from a GGUF file, by llama.cpp."""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ragthrift.errors import ContextOverflowError, InputError
from ragthrift.local.conversation import count_text
from ragthrift.local.gguf import read_gguf
from ragthrift.local.server import LlamaServer
from ragthrift.local.server_options import Pooling, ServerOptions
from ragthrift.local.written_request import check_text
from ragthrift.machine import available_cpus
from ragthrift.states import unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class LlamaCppEmbedder:
    """An `Embedder` from one GGUF file. Safe for threads. Needs the `local` extra.

    Any model gives vectors; those of a model that was trained for embeddings are far better at
    finding texts. `pooling` is what its card says: `mean` for most, `last` or `cls` for some.
    """

    def __init__(
        self,
        model_path: str | os.PathLike[str],
        *,
        pooling: Pooling = "mean",
        n_ctx: int = 512,
        threads: int | None = None,
    ) -> None:
        """Load the model; `n_ctx` is the longest text in tokens."""
        path = Path(model_path)
        longest = read_gguf(path).trained_ctx or n_ctx
        if not 1 <= n_ctx <= longest:
            raise InputError(f"n_ctx={n_ctx} must be from 1 to {longest}, the model's own longest")
        if pooling not in ("mean", "last", "cls"):
            raise InputError(f"pooling={pooling!r} must be 'mean', 'last' or 'cls'")
        self.model = path.stem
        self._n_ctx = n_ctx
        options = ServerOptions(n_ctx=n_ctx, threads=threads or available_cpus(), pooling=pooling)
        self._server = LlamaServer(path, options)

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Unit vectors, shape (n, d).

        Raises ContextOverflowError for a text of more than `n_ctx` tokens; an empty text counts
        as a blank.
        """
        import numpy as np

        if not texts:
            return self.embed(["-"])[:0]
        for text in texts:
            check_text(text, "a text")
            if (needed := count_text(self._server, text or " ", framed=True)) > self._n_ctx:
                raise ContextOverflowError(needed, self._n_ctx)
        vectors = np.asarray(self._server.embed([text or " " for text in texts]), dtype=np.float32)
        return unit(vectors)

    def close(self) -> None:
        """Take no more calls; the memory is freed when the last running one has ended."""
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
