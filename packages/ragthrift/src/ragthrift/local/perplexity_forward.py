"""A model read and run by llama.cpp's C functions: the scores of every token of a prompt.

The server gives probabilities of the tokens it writes only; this gives those of a given text at
the speed of reading. Parameter structs are passed whole as llama.cpp filled them, but for the
three sizes at the front of the context's; both ends of that are checked.
"""

import ctypes as c
import struct
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ragthrift.errors import ModelError
from ragthrift.local.llama_library import c_function

_SIZES = struct.Struct("<III")
_DEFAULT_BATCHES = (2048, 512)
_MOST_PARAMETER_BYTES = 1024

Tokens = NDArray[np.int32]


class _Parameters(c.Structure):
    """Any of llama.cpp's parameter structs: longer than each, so that it holds it whole."""

    _fields_ = [("content", c.c_uint8 * _MOST_PARAMETER_BYTES)]


class _Batch(c.Structure):
    _fields_ = [
        ("n_tokens", c.c_int32),
        ("token", c.POINTER(c.c_int32)),
        ("embd", c.c_void_p),
        ("pos", c.POINTER(c.c_int32)),
        ("n_seq_id", c.POINTER(c.c_int32)),
        ("seq_id", c.POINTER(c.POINTER(c.c_int32))),
        ("logits", c.POINTER(c.c_int8)),
    ]


class ForwardModel:
    """Weights and vocabulary."""

    def __init__(self, path: Path) -> None:
        defaults = c_function("llama_model_default_params", _Parameters)()
        load = c_function("llama_model_load_from_file", c.c_void_p, c.c_char_p, _Parameters)
        self.address = load(str(path).encode(), defaults)
        if not self.address:
            raise ModelError(f"llama.cpp could not load {path}")
        self._vocabulary = c_function("llama_model_get_vocab", c.c_void_p, c.c_void_p)(self.address)
        self.vocabulary_size = int(self._ask("llama_vocab_n_tokens", c.c_int32))

    @property
    def first_token(self) -> Tokens:
        """The special token that begins a prompt; none if the model has none."""
        if not self._ask("llama_vocab_get_add_bos", c.c_bool):
            return np.empty(0, np.int32)
        return np.array([self._ask("llama_vocab_bos", c.c_int32)], np.int32)

    def tokens(self, text: str) -> Tokens:
        """Of the text alone; names of special tokens in it are text."""
        content = text.encode()
        found = np.empty(len(content) + 8, np.int32)
        tokenize = c_function(
            "llama_tokenize",
            c.c_int32,
            c.c_void_p,
            c.c_char_p,
            c.c_int32,
            c.c_void_p,
            c.c_int32,
            c.c_bool,
            c.c_bool,
        )
        count = tokenize(
            self._vocabulary, content, len(content), found.ctypes.data, len(found), False, False
        )
        if count < 0:
            raise ModelError(f"llama.cpp could not split the text into tokens ({count})")
        return found[:count]

    def _ask(self, name: str, result: Any) -> Any:
        return c_function(name, result, c.c_void_p)(self._vocabulary)


class Forward:
    """A context of a model: an empty window to begin with."""

    def __init__(self, model: ForwardModel, *, n_ctx: int, batch: int, threads: int) -> None:
        batch = min(batch, n_ctx)
        self._size, self._batch_size = model.vocabulary_size, batch
        parameters = c_function("llama_context_default_params", _Parameters)()
        found = _SIZES.unpack_from(parameters.content)
        if found[1:] != _DEFAULT_BATCHES:
            raise ModelError(
                f"this build of llama.cpp is not the known one: its defaults begin with {found}, "
                f"not with a window and {_DEFAULT_BATCHES}; install another xllamacpp"
            )
        _SIZES.pack_into(parameters.content, 0, n_ctx, batch, batch)
        start = c_function("llama_init_from_model", c.c_void_p, c.c_void_p, _Parameters)
        self._address = start(model.address, parameters)
        if not self._address:
            raise ModelError(f"llama.cpp found no memory for a window of {n_ctx} tokens")
        self._check_sizes(n_ctx, batch)
        c_function("llama_set_n_threads", None, c.c_void_p, c.c_int32, c.c_int32)(
            self._address, threads, threads
        )
        self._batch = c_function("llama_batch_init", _Batch, c.c_int32, c.c_int32, c.c_int32)(
            batch, 0, 1
        )
        if self._batch.embd or self._batch.n_tokens or not self._batch.logits:
            raise ModelError("this build of llama.cpp has batches of an unknown layout")

    def clear(self) -> None:
        """Empty the window."""
        memory = c_function("llama_get_memory", c.c_void_p, c.c_void_p)(self._address)
        c_function("llama_memory_clear", None, c.c_void_p, c.c_bool)(memory, True)

    def read(self, tokens: Tokens, start: int, *, last_only: bool = False) -> NDArray[np.float32]:
        """Scores after each token, or after the last, shape (n, vocabulary); good until the next.

        The first token takes place `start` in the window; at most a batch at once.
        """
        batch, count = self._batch, len(tokens)
        if count > self._batch_size:
            raise ModelError(f"{count} tokens are more than a batch of {self._batch_size}")
        batch.n_tokens = count
        for place, token in enumerate(tokens):
            batch.token[place], batch.pos[place] = int(token), start + place
            batch.n_seq_id[place], batch.seq_id[place][0] = 1, 0
            batch.logits[place] = not last_only or place == count - 1
        code = c_function("llama_decode", c.c_int32, c.c_void_p, _Batch)(self._address, batch)
        if code != 0:
            raise ModelError(f"llama.cpp could not read {count} tokens ({code})")
        pointer = c_function("llama_get_logits", c.POINTER(c.c_float), c.c_void_p)(self._address)
        return np.ctypeslib.as_array(pointer, (1 if last_only else count, self._size))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        c_function("llama_batch_free", None, _Batch)(self._batch)
        c_function("llama_free", None, c.c_void_p)(self._address)

    def _check_sizes(self, n_ctx: int, batch: int) -> None:
        found = [
            c_function(name, c.c_uint32, c.c_void_p)(self._address)
            for name in ("llama_n_ctx", "llama_n_batch", "llama_n_ubatch")
        ]
        if found[0] < n_ctx or found[1:] != [batch, batch]:
            raise ModelError(
                f"this build of llama.cpp took {[n_ctx, batch, batch]} for {found}; "
                "install another xllamacpp"
            )
