"""A model file in fewer bits."""

import os
import secrets
from pathlib import Path
from typing import Any

from ragthrift.errors import InputError, ModelError, missing_extra
from ragthrift.local.gguf import read_gguf
from ragthrift.local.quantize_kinds import Kind, is_quantized_tensor, kind_of, tensor_type
from ragthrift.local.quantize_tensor import converted, row_bytes

_FILE_TYPE = "general.file_type"
_GOOD_SOURCES = {"F32": 0, "F16": 1, "BF16": 32, "Q8_0": 7}
"""Tensor types that lost next to nothing, and llama.cpp's numbers for files of them."""


def quantize(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    kind: str,
    *,
    from_quantized: bool = False,
) -> Path:
    """Write `source` as `kind` to `target`, which is replaced when the new file is whole.

    `kind` is one of `KINDS`, for example `q8_0`. Weights below Q8_0 are refused as a source, since
    what they lost is lost twice; `from_quantized=True` takes them all the same. One tensor at a
    time is in memory. Needs the `quantize` extra.

    Raises ModelNotFoundError, ModelError for a file that cannot be read or written, InputError.
    """
    wanted, origin, goal = kind_of(kind), Path(source), Path(target)
    header = read_gguf(origin)
    check_source(origin, kind, from_quantized=from_quantized)
    if goal.exists() and goal.samefile(origin):
        raise InputError(f"{goal} is the source itself; name another target")
    scratch = goal.with_name(f"{goal.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        _Quantization(origin, wanted, from_quantized=from_quantized).write(scratch)
        _check(scratch, wanted, header.tensor_count)
        scratch.replace(goal)
    except OSError as error:
        raise ModelError(f"{goal} cannot be written: {error}") from error
    finally:
        scratch.unlink(missing_ok=True)
    return goal


def check_source(
    source: str | os.PathLike[str], kind: str, *, from_quantized: bool = False
) -> None:
    """Refuse by the header what `quantize` would refuse later, in milliseconds."""
    header, wanted = read_gguf(source), kind_of(kind)
    _import_gguf()
    if header.metadata.get("split.count", 1) not in (0, 1):
        raise InputError(f"{source} is one part of a split model; merge the parts first")
    found = header.metadata.get(_FILE_TYPE)
    good = found is None or found in (wanted.file_type, *_GOOD_SOURCES.values())
    if not (good or from_quantized):
        raise _lossy(source, f"file type {found}")


def _import_gguf() -> Any:
    try:
        import gguf
    except ImportError as error:
        missing_extra("quantize", "gguf", error)
    return gguf


def _lossy(source: str | os.PathLike[str], found: str) -> InputError:
    return InputError(
        f"{source} is quantized already ({found}); take the F16 or Q8_0 file of this model, or "
        "pass from_quantized=True (--from-quantized) and lose twice"
    )


def _check(file: Path, kind: Kind, tensors: int) -> None:
    header = read_gguf(file)
    if (header.metadata.get(_FILE_TYPE), header.tensor_count) != (kind.file_type, tensors):
        raise ModelError(f"the new file does not say of itself that it is {kind.name}")


class _Quantization:
    """A model file that is open, and the type that each of its tensors shall have."""

    def __init__(self, source: Path, kind: Kind, *, from_quantized: bool) -> None:
        gguf = _import_gguf()
        self._gguf, self._kind = gguf, kind
        try:
            self._reader = gguf.GGUFReader(source)
        except (ValueError, KeyError, IndexError) as error:
            raise ModelError(f"{source} holds what gguf cannot read: {error}") from error
        self._types = [self._type(tensor) for tensor in self._reader.tensors]
        lossy = {
            tensor.tensor_type.name
            for tensor, new in zip(self._reader.tensors, self._types, strict=True)
            if tensor.tensor_type
            not in (new, *(gguf.GGMLQuantizationType[t] for t in _GOOD_SOURCES))
        }
        if lossy and not from_quantized:
            raise _lossy(source, ", ".join(sorted(lossy)))

    def write(self, target: Path) -> None:
        """Header, key-values and records first, then one tensor after the other."""
        writer = self._gguf.GGUFWriter(target, self._value("general.architecture"))
        try:
            self._add_values(writer)
            for tensor, new in zip(self._reader.tensors, self._types, strict=True):
                self._add_record(writer, tensor, new)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_ti_data_to_file()
            for tensor, new in zip(self._reader.tensors, self._types, strict=True):
                same = tensor.tensor_type == new
                writer.write_tensor_data(tensor.data if same else converted(tensor, new))
        finally:
            writer.close()

    def _value(self, name: str) -> Any:
        found = self._reader.fields.get(name)
        return found.contents() if found is not None else None

    def _type(self, tensor: Any) -> Any:
        if not is_quantized_tensor(tensor.name, len(tensor.shape)):
            return tensor.tensor_type
        layers = int(self._value(f"{self._value('general.architecture')}.block_count") or 0)
        tied = all(other.name != "output.weight" for other in self._reader.tensors)
        columns = int(tensor.shape[0])
        name = tensor_type(self._kind, tensor.name, columns, layers, tied=tied)
        return self._gguf.GGMLQuantizationType[name]

    def _add_values(self, writer: Any) -> None:
        array = self._gguf.GGUFValueType.ARRAY
        for name, value in self._reader.fields.items():
            if name.startswith("GGUF.") or name in ("general.architecture", _FILE_TYPE):
                continue
            kind, *parts = value.types
            writer.add_key_value(
                name, value.contents(), kind, sub_type=parts[-1] if kind == array else None
            )
        writer.add_file_type(self._kind.file_type)

    def _add_record(self, writer: Any, tensor: Any, new: Any) -> None:
        types = self._gguf.GGMLQuantizationType
        if tensor.tensor_type == new:
            data = tensor.data
            writer.add_tensor_info(tensor.name, data.shape, data.dtype, data.nbytes, new)
            return
        import numpy as np

        size, columns = row_bytes(new, int(tensor.shape[0])), int(tensor.shape[0])
        rows = tensor.data.shape[:-1]
        as_numbers = new == types.F16
        writer.add_tensor_info(
            tensor.name,
            (*rows, columns if as_numbers else size),
            np.dtype(np.float16 if as_numbers else np.uint8),
            size * int(np.prod(rows)),
            new,
        )
