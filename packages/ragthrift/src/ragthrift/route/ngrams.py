"""Texts as hashed words and pairs of words, and the sparse rows they make."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import log
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

BUCKETS = 2**16
_TOKEN = re.compile(r"\w+|[^\w\s]")


def tokens(text: str) -> list[str]:
    """Lower-cased words and single marks.

    >>> tokens("Is 5 > 4?")
    ['is', '5', '>', '4', '?']
    """
    return _TOKEN.findall(text.lower())


def hashed(text: str) -> dict[int, float]:
    """Bucket to `1 + log(count)` for the words and the pairs of neighbours of a text."""
    found = tokens(text)
    grams = [*found, *(f"{a} {b}" for a, b in pairwise(found))]
    counts = Counter(crc32(gram.encode("utf-8", "surrogatepass")) % BUCKETS for gram in grams)
    return {bucket: 1 + log(count) for bucket, count in counts.items()}


@dataclass(frozen=True)
class SparseRows:
    """A matrix of n rows and `BUCKETS` columns that is mostly zero."""

    starts: "Integers"
    """Where each row begins, shape (n + 1,)."""
    columns: "Integers"
    values: "Floats"

    @classmethod
    def of(cls, texts: Sequence[str]) -> "SparseRows":
        """The hashed texts, not weighted yet."""
        import numpy as np

        rows = [hashed(text) for text in texts]
        starts = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        columns = np.fromiter((at for row in rows for at in row), np.int64, int(starts[-1]))
        values = np.fromiter((v for row in rows for v in row.values()), np.float64, len(columns))
        return cls(starts, columns, values)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def owners(self) -> "Integers":
        """The row of every value."""
        import numpy as np

        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def rarity(self) -> "Floats":
        """Inverse document frequency of every column, smoothed, shape (BUCKETS,)."""
        import numpy as np

        seen = np.bincount(self.columns, minlength=BUCKETS)
        weights: Floats = np.log((1 + len(self)) / (1 + seen)) + 1
        return weights

    def weighted(self, rarity: "Floats") -> "SparseRows":
        """Rows of unit length, columns weighted by their rarity."""
        import numpy as np

        values = self.values * rarity[self.columns]
        owners = self.owners
        lengths = np.sqrt(np.bincount(owners, values**2, minlength=len(self)))
        return SparseRows(self.starts, self.columns, values / np.maximum(lengths, 1e-12)[owners])

    def take(self, rows: "Integers") -> "SparseRows":
        """Some of the rows."""
        import numpy as np

        sizes = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        at = np.repeat(self.starts[:-1][rows] - starts[:-1], sizes) + np.arange(starts[-1])
        return SparseRows(starts, self.columns[at], self.values[at])

    def times(self, weights: "Floats") -> "Floats":
        """Product with (BUCKETS, t): shape (n, t)."""
        import numpy as np

        owners = self.owners
        parts = [
            np.bincount(owners, self.values * column[self.columns], minlength=len(self))
            for column in weights.T
        ]
        return np.stack(parts, axis=1)

    def transposed_times(self, rows: "Floats") -> "Floats":
        """Product of the transpose with (n, t): shape (BUCKETS, t)."""
        import numpy as np

        owners = self.owners
        parts = [
            np.bincount(self.columns, self.values * column[owners], minlength=BUCKETS)
            for column in rows.T
        ]
        return np.stack(parts, axis=1)

    def dense(self, columns: "Integers") -> "NDArray[np.float32]":
        """Some of the columns, shape (n, len(columns))."""
        import numpy as np

        place = np.full(BUCKETS, -1)
        place[columns] = np.arange(len(columns))
        kept = place[self.columns] >= 0
        made = np.zeros((len(self), len(columns)), dtype=np.float32)
        made[self.owners[kept], place[self.columns[kept]]] = self.values[kept]
        return made
