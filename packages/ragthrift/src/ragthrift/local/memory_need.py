"""Whether a model fits into the memory of this machine, before it is loaded."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ragthrift.errors import InputError, ModelError
from ragthrift.local.gguf import GGUFHeader, SkippedArray, read_gguf

_MIB = 1 << 20
_MEMINFO = Path("/proc/meminfo")
_CGROUP_V2 = Path("/sys/fs/cgroup")
_CGROUP_V1 = Path("/sys/fs/cgroup/memory")

_BATCH = 512
_CACHE_BYTES = 2
"""Keys and values are float16."""
_VOCABULARY_BYTES = 300
"""Of a token, its merges and their indices: measured, 0.25 to 0.35 kB with two vocabularies."""
_LAYERS_TO_A_GLOBAL_ONE = {"gemma2": 2, "gemma3": 6}
"""Of so many layers one sees the whole window, the others a sliding part. llama.cpp has this in
its code, not in the file; other architectures are taken to see everything."""


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes that a loaded model takes with every slot full."""

    weights: int
    """The file, which is mapped."""
    kv_cache: int
    """Keys and values of each token in the windows of all slots."""
    compute: int
    """Results of a batch on its way through the model."""
    vocabulary: int
    adapters: int
    prefixes: int
    """Prompt prefixes that are kept outside the windows."""

    @property
    def total(self) -> int:
        """All of it."""
        parts = (self.weights, self.kv_cache, self.compute, self.vocabulary)
        return sum(parts) + self.adapters + self.prefixes

    def __str__(self) -> str:
        return (
            f"{_mib(self.total)} (weights {_mib(self.weights)}, keys and values "
            f"{_mib(self.kv_cache)}, batch {_mib(self.compute)}, vocabulary "
            f"{_mib(self.vocabulary)}, adapters {_mib(self.adapters)}, prefixes "
            f"{_mib(self.prefixes)})"
        )


def memory_need(
    path: str | os.PathLike[str],
    *,
    n_ctx: int,
    slots: int = 1,
    adapters: Sequence[str | os.PathLike[str]] = (),
    cache_mib: int = 0,
) -> MemoryNeed:
    """Estimate from the header alone; each slot has a window of `n_ctx` tokens.

    What the header does not say is taken at its most, so that the estimate is too high rather
    than too low.
    """
    if n_ctx < 1 or slots < 1 or cache_mib < 0:
        raise InputError(f"n_ctx={n_ctx} and slots={slots} must be 1 or more, cache_mib 0 or more")
    shape = _Shape(read_gguf(path))
    return MemoryNeed(
        weights=Path(path).stat().st_size,
        kv_cache=shape.kv_cache(n_ctx) * slots,
        compute=shape.compute(n_ctx, slots),
        vocabulary=shape.vocabulary * _VOCABULARY_BYTES,
        adapters=sum(_adapter_size(adapter) for adapter in adapters),
        prefixes=cache_mib * _MIB,
    )


def check_memory(
    path: str | os.PathLike[str],
    *,
    n_ctx: int,
    slots: int = 1,
    adapters: Sequence[str | os.PathLike[str]] = (),
    cache_mib: int = 0,
) -> MemoryNeed:
    """The need, or ModelError with the numbers and what to change when it cannot fit.

    Where the free memory is not known, nothing is refused.
    """
    need = memory_need(path, n_ctx=n_ctx, slots=slots, adapters=adapters, cache_mib=cache_mib)
    free = available_memory()
    if free is None or need.total <= free:
        return need
    raise ModelError(
        f"{path} with {slots} x {n_ctx} tokens needs {need}; {_mib(free)} are free: "
        f"{_advice(path, need, n_ctx, slots, free)}"
    )


def available_memory() -> int | None:
    """Bytes that the process may still take: what the machine and its cgroup leave.

    `None` on systems that do not tell. Files that are merely cached count as free.
    """
    found = [amount for amount in (_machine_free(), _cgroup_free()) if amount is not None]
    return min(found, default=None)


class _Shape:
    """Sizes of a model, by its header."""

    def __init__(self, header: GGUFHeader) -> None:
        self._header = header
        self._layers = self._number("block_count") or 0
        self._embedding = self._number("embedding_length") or 0
        self._heads = self._number("attention.head_count") or 1
        self._kv_heads = self._number("attention.head_count_kv") or self._heads
        head = self._embedding // self._heads
        self._key = self._number("attention.key_length") or head
        self._value = self._number("attention.value_length") or head

    @property
    def vocabulary(self) -> int:
        """Tokens that the model knows."""
        found = self._header.metadata.get("tokenizer.ggml.tokens")
        return found.length if isinstance(found, SkippedArray) else 0

    def kv_cache(self, n_ctx: int) -> int:
        """Bytes of one slot's keys and values."""
        row = self._kv_heads * (self._key + self._value) * _CACHE_BYTES
        sliding, window = self._sliding(n_ctx)
        return row * (sliding * window + (self._layers - sliding) * n_ctx)

    def compute(self, n_ctx: int, slots: int) -> int:
        """Bytes for a batch: attention to the window, the widest layer, one token's scores."""
        batch = min(_BATCH, n_ctx)
        width = 3 * (self._number("feed_forward_length") or 4 * self._embedding)
        of_a_token = n_ctx * self._heads + width + 8 * self._embedding
        return 4 * (batch * of_a_token + slots * self.vocabulary)

    def _sliding(self, n_ctx: int) -> tuple[int, int]:
        """How many layers see only a part of the window, and how many tokens they keep."""
        every = _LAYERS_TO_A_GLOBAL_ONE.get(self._header.architecture)
        window = self._number("attention.sliding_window")
        if every is None or window is None:
            return 0, n_ctx
        return self._layers - self._layers // every, min(n_ctx, window + _BATCH)

    def _number(self, name: str) -> int | None:
        found = self._header.metadata.get(f"{self._header.architecture}.{name}")
        return found if isinstance(found, int) and found > 0 else None


def _adapter_size(path: str | os.PathLike[str]) -> int:
    read_gguf(path)
    return Path(path).stat().st_size


def _advice(
    path: str | os.PathLike[str], need: MemoryNeed, n_ctx: int, slots: int, free: int
) -> str:
    """What would make it fit, the mildest first."""
    fixed = need.total - need.kv_cache - need.compute
    if fixed > free >= need.total - need.prefixes:
        return "lower cache_mib"
    shape = _Shape(read_gguf(path))
    fewer = [
        (size, count)
        for count in range(slots, 0, -1)
        for size in (n_ctx, n_ctx // 2, n_ctx // 4, n_ctx // 8)
        if size >= _BATCH and (size, count) != (n_ctx, slots)
    ]
    for size, count in fewer:
        if fixed + shape.kv_cache(size) * count + shape.compute(size, count) <= free:
            return f"load it with n_ctx={size} and slots={count}, or take a smaller quantization"
    return "take a smaller quantization (ragthrift local quantize) or a smaller model"


def _machine_free() -> int | None:
    try:
        lines = _MEMINFO.read_text().splitlines()
        kib = next(line.split()[1] for line in lines if line.startswith("MemAvailable:"))
        return int(kib) * 1024
    except (OSError, ValueError, StopIteration):
        return None


def _cgroup_free() -> int | None:
    for folder, limit, usage in (
        (_CGROUP_V2, "memory.max", "memory.current"),
        (_CGROUP_V1, "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            left = int((folder / limit).read_text()) - int((folder / usage).read_text())
            return max(0, left + _cached(folder))
        except (OSError, ValueError):
            continue  # no cgroup of this version, or "max": no limit
    return None


def _cached(folder: Path) -> int:
    """Bytes of files in the cache that the kernel gives back when they are needed."""
    lines = (folder / "memory.stat").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))


def _mib(size: int) -> str:
    return f"{size / _MIB:,.0f} MiB"
