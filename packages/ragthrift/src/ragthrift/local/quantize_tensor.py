"""One tensor from the type it has to the one it shall have, by ggml's own code."""

import ctypes
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from ragthrift.errors import ModelError
from ragthrift.local.llama_library import c_function
from ragthrift.machine import available_cpus

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ITEMS_AT_ONCE = 1 << 22
"""16 MiB of float32 for each thread."""


def row_bytes(tensor_type: Any, columns: int) -> int:
    """Bytes of a row; `tensor_type` is a `gguf.GGMLQuantizationType`."""
    from gguf import GGML_QUANT_SIZES

    items, size = GGML_QUANT_SIZES[tensor_type]
    return columns // int(items) * int(size)


def converted(tensor: Any, tensor_type: Any) -> "NDArray[Any]":
    """The content of a `gguf.ReaderTensor` as another type: bytes, or numbers for F16.

    Raises ModelError for weights that are not finite.
    """
    from gguf import GGMLQuantizationType as Type

    columns = int(tensor.shape[0])
    rows = tensor.data.reshape(-1, tensor.data.shape[-1])
    with ThreadPoolExecutor(available_cpus()) as pool:
        floats = pool.map(
            lambda part: _written(_floats(part, tensor), tensor_type), _parts(rows, columns)
        )
        content = np.concatenate(list(floats))
    if tensor_type == Type.F16:
        return content.view(np.float16).reshape((*tensor.data.shape[:-1], columns))
    return content.reshape((*tensor.data.shape[:-1], row_bytes(tensor_type, columns)))


def _parts(rows: "NDArray[Any]", columns: int) -> "Iterator[NDArray[Any]]":
    step = max(1, _ITEMS_AT_ONCE // columns)
    for start in range(0, len(rows), step):
        yield rows[start : start + step]


def _floats(part: "NDArray[Any]", tensor: Any) -> "NDArray[np.float32]":
    from gguf import dequantize

    found = np.ascontiguousarray(dequantize(part, tensor.tensor_type), np.float32)
    if not np.isfinite(found).all():
        raise ModelError(f"the tensor {tensor.name} holds weights that are not finite")
    return found


def _written(rows: "NDArray[np.float32]", tensor_type: Any) -> "NDArray[np.uint8]":
    count, columns = rows.shape
    size = row_bytes(tensor_type, columns)
    content = np.empty(count * size, np.uint8)
    quantize_chunk = c_function(
        "ggml_quantize_chunk",
        ctypes.c_size_t,
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_int64,
        ctypes.c_int64,
        ctypes.c_int64,
        ctypes.c_void_p,
    )
    done = quantize_chunk(
        int(tensor_type), rows.ctypes.data, content.ctypes.data, 0, count, columns, None
    )
    if done != content.size:
        raise ModelError(f"ggml wrote {done} bytes of {tensor_type.name}, {content.size} were due")
    return content
