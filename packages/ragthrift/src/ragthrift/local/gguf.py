"""What a GGUF model file says about itself, read without loading the model.

Layout (all little-endian): `GGUF`, version, number of tensors, number of key-values, the
key-values, one record per tensor, padding, tensor data.
Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import mmap
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ragthrift.errors import ModelError, ModelNotFoundError

_MAGIC = b"GGUF"
_READABLE_VERSIONS = (2, 3)
_FIXED_PART = struct.Struct("<4sIQQ")
_NUMBERS = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_TEXT, _ARRAY = 8, 9
_U32, _U64 = _NUMBERS[4], _NUMBERS[10]
_DEFAULT_ALIGNMENT = 32


@dataclass(frozen=True, slots=True)
class SkippedArray:
    """An array whose items were stepped over: a vocabulary has hundreds of thousands."""

    length: int


Value = bool | int | float | str | SkippedArray


@dataclass(frozen=True, slots=True)
class GGUFHeader:
    """The key-values of a model file and what they mean.

    >>> said = {"general.architecture": "llama", "llama.context_length": 8192}
    >>> GGUFHeader(version=3, tensor_count=1, metadata=said).trained_ctx
    8192
    """

    version: int
    tensor_count: int
    metadata: Mapping[str, Value]
    matrix_kinds: frozenset[int] = frozenset()
    """ggml's numbers for how the weight matrices are stored."""

    @property
    def architecture(self) -> str:
        """For example `gemma3`, `llama`; empty when the file does not say."""
        found = self.metadata.get("general.architecture")
        return found if isinstance(found, str) else ""

    @property
    def trained_ctx(self) -> int | None:
        """The longest context in tokens that the model was trained on, `None` if unknown."""
        found = self.metadata.get(f"{self.architecture}.context_length")
        return found if isinstance(found, int) and found > 0 else None

    @property
    def chat_template(self) -> str | None:
        """The model's own template (Jinja); `None` for a base model, which cannot chat."""
        found = self.metadata.get("tokenizer.chat_template")
        return found if isinstance(found, str) and found.strip() else None


def read_gguf(path: str | os.PathLike[str]) -> GGUFHeader:
    """Read the header of a GGUF file, versions 2 and 3, and check that its end is there.

    Raises ModelNotFoundError for a missing file, ModelError for one that is not GGUF, is corrupt
    or is cut off before its last tensor begins.
    """
    file = Path(path)
    if not file.is_file():
        raise ModelNotFoundError(f"no model file at {file}; give the path of a .gguf file")
    try:
        with file.open("rb") as opened:
            if os.fstat(opened.fileno()).st_size < _FIXED_PART.size:
                raise ModelError("it is too short for a header")
            with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return _Reader(content).header()
    except ModelError as error:
        raise ModelError(f"{file} is not a usable GGUF model: {error}") from None
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error}") from error


class _Reader:
    """Walks over the bytes once, never past their end."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._end = len(content)
        self._at = 0
        self._matrix_kinds: set[int] = set()

    def header(self) -> GGUFHeader:
        magic, version, tensors, pairs = _FIXED_PART.unpack_from(self._content)
        if magic != _MAGIC:
            raise ModelError(f"it begins with {magic!r}, not with {_MAGIC!r}")
        if version not in _READABLE_VERSIONS:
            raise ModelError(f"its version is {version}, known are {_READABLE_VERSIONS}")
        self._at = _FIXED_PART.size
        metadata: dict[str, Value] = {}
        for _ in range(pairs):
            key = self._text()
            metadata[key] = self._value(self._number(_U32))
        self._check_tensors(tensors, metadata.get("general.alignment", _DEFAULT_ALIGNMENT))
        return GGUFHeader(version, tensors, metadata, frozenset(self._matrix_kinds))

    def _advance(self, size: int) -> int:
        """Step over `size` bytes; where they began."""
        start = self._at
        if size > self._end - start:
            raise self._cut_off(size, start)
        self._at = start + size
        return start

    def _cut_off(self, size: int, start: int) -> ModelError:
        return ModelError(
            f"it is cut off or corrupt: {size} bytes are due at {start}, "
            f"the file ends at {self._end}"
        )

    def _number(self, kind: struct.Struct) -> int:
        found = kind.unpack_from(self._content, self._advance(kind.size))[0]
        return int(found)

    def _text(self) -> str:
        size = self._number(_U64)
        start = self._advance(size)
        try:
            return self._content[start : start + size].decode()
        except UnicodeDecodeError:
            raise ModelError(f"it is corrupt: the text at {start} is not UTF-8") from None

    def _value(self, kind: int) -> Value:
        if kind == _TEXT:
            return self._text()
        if kind == _ARRAY:
            return self._array()
        if kind not in _NUMBERS:
            raise ModelError(f"it is corrupt: unknown value type {kind} before {self._at}")
        number = _NUMBERS[kind]
        found: bool | int | float = number.unpack_from(self._content, self._advance(number.size))[0]
        return found

    def _array(self) -> SkippedArray:
        kind, length = self._number(_U32), self._number(_U64)
        if kind in _NUMBERS:
            self._advance(length * _NUMBERS[kind].size)
        elif kind == _TEXT:
            self._skip_texts(length)
        else:
            raise ModelError(f"it is corrupt: unknown item type {kind} before {self._at}")
        return SkippedArray(length)

    def _skip_texts(self, count: int) -> None:
        # Written flat: a vocabulary of 262,144 texts passes here while the user waits.
        content, end, at = self._content, self._end - _U64.size, self._at
        unpack = _U64.unpack_from
        for _ in range(count):
            if at > end:
                raise self._cut_off(_U64.size, at)
            at += _U64.size + unpack(content, at)[0]
        self._advance(at - self._at)

    def _check_tensors(self, count: int, alignment: Value) -> None:
        last = max((self._tensor_offset() for _ in range(count)), default=None)
        if not isinstance(alignment, int) or alignment < 1:
            raise ModelError(f"it is corrupt: alignment {alignment!r}")
        if last is not None:
            self._advance(-self._at % alignment)
            self._advance(last + 1)

    def _tensor_offset(self) -> int:
        self._text()
        dimensions = self._number(_U32)
        self._advance(dimensions * _U64.size)
        kind = self._number(_U32)
        if dimensions > 1:
            self._matrix_kinds.add(kind)
        return self._number(_U64)
