"""The vectors of one scope, in memory."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ragthrift.cache.scan import candidates, nearest, sketches

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

FLAT_UP_TO = 10_000
"""Beyond so many rows a scan of signs chooses which vectors are compared in full."""
MIN_SKETCH_BITS = 192
"""Shorter vectors have too few signs to choose by, and are quick to compare in full."""
SKETCHED = 512
"""Of 3500 questions of Banking77 under MiniLM, the nearest was among the best 8 by signs for every
question that had one above a cosine of 0.8, and among the best 64 for 94 % of the others."""


class ScopeVectors:
    """Unit vectors by entry; nearest first.

    Up to `FLAT_UP_TO` rows every vector is compared. Beyond, the signs of all are compared first
    (one bit a dimension, FAISS's Hamming scan), then the vectors of the best 512, kept in half
    precision: unlike a graph it costs nothing to build, and a removed row is gone at once.

    >>> import numpy as np
    >>> kept = ScopeVectors(2)
    >>> kept.add([7, 8], np.array([[1, 0], [0, 1]], dtype=np.float32))
    >>> kept.remove([7])
    >>> kept.search(np.array([0.6, 0.8], dtype=np.float32), 3)
    [(8, 0.800000011920929)]
    """

    def __init__(self, dimensions: int) -> None:
        import numpy as np

        self.dimensions = dimensions
        self._ids = np.empty(0, dtype=np.int64)
        self._vectors: NDArray[np.floating] = np.empty((0, dimensions), dtype=np.float32)
        self._signs = np.empty((0, -(-dimensions // 8)), dtype=np.uint8)
        self._rows: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def ids(self) -> set[int]:
        """The entries that have a vector here."""
        return set(self._rows)

    def add(self, ids: Sequence[int], vectors: "Floats") -> None:
        """Append vectors, shape (n, d), of entries that are not here yet."""
        start, end = len(self._rows), len(self._rows) + len(ids)
        self._reserve(end)
        self._ids[start:end] = ids
        self._vectors[start:end] = vectors
        self._signs[start:end] = sketches(vectors)
        self._rows.update(zip(ids, range(start, end), strict=True))

    def remove(self, ids: Iterable[int]) -> None:
        """Take entries out; unknown ones do not matter."""
        for number in ids:
            row = self._rows.pop(number, None)
            last = len(self._rows)
            if row is None or row == last:
                continue
            moved = int(self._ids[last])
            for rows in (self._ids, self._vectors, self._signs):
                rows[row] = rows[last]
            self._rows[moved] = row

    def search(self, vector: "Floats", k: int) -> list[tuple[int, float]]:
        """Entries and cosines of the k nearest."""
        import numpy as np

        size = len(self._rows)
        if not size:
            return []
        rows = None
        if self._vectors.dtype == np.float16:
            chosen = min(size, max(SKETCHED, 16 * k))
            rows = candidates(self._signs[:size], sketches(vector[None])[0], chosen)
        vectors = self._vectors[:size] if rows is None else self._vectors[rows]
        vectors = vectors.astype(np.float32, copy=False)
        found, cosines = nearest(vectors, vector, k)
        places = found if rows is None else rows[found]
        return [(int(self._ids[p]), float(c)) for p, c in zip(places, cosines, strict=True)]

    def within(self, vectors: "Floats", min_similarity: float) -> list[tuple[int, float]]:
        """Entries whose best cosine to any of some vectors is at least `min_similarity`."""
        size = len(self._rows)
        found: list[tuple[int, float]] = []
        for start in range(0, size, FLAT_UP_TO):
            some = slice(start, min(size, start + FLAT_UP_TO))
            best = (self._vectors[some] @ vectors.T).max(axis=1)
            near = best >= min_similarity
            found += zip(self._ids[some][near].tolist(), best[near].tolist(), strict=True)
        return found

    def _reserve(self, size: int) -> None:
        import numpy as np

        if size <= len(self._ids):
            return
        room = max(64, size, len(self._ids) * 9 // 8)
        kept = len(self._rows)
        many = size > FLAT_UP_TO and self.dimensions >= MIN_SKETCH_BITS
        short = np.dtype(np.float16 if many else self._vectors.dtype)
        for name, kind in (("_ids", np.int64), ("_vectors", short), ("_signs", np.uint8)):
            old = getattr(self, name)
            new = np.empty((room, *old.shape[1:]), dtype=kind)
            new[:kept] = old[:kept]
            setattr(self, name, new)
