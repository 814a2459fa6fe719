"""Three ways to learn quality from what was seen: by words, by topic, and by shape.

Words carry what is asked, topics what kind of thing is asked, shape how it is asked. Each is weak
and each errs in its own way, so their blend is better than the best of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from ragthrift.errors import InputError
from ragthrift.route.folds import folds_of
from ragthrift.route.ngrams import BUCKETS, SparseRows
from ragthrift.route.ridge import misjudged, ridge, sparse_ridge

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Singles = NDArray[np.float32]
    Integers = NDArray[np.int64]

_WORD_PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0)
_TOPICS = 50
_TOPIC_COLUMNS = 4096
_TOPIC_PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0)
_WAVES = 512
_WIDTH = 0.03
_SHAPE_PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0)
_FAR = 5.0


@dataclass(frozen=True, slots=True)
class Seen:
    """Texts and their shapes, as the heads read them."""

    rows: SparseRows
    shapes: "Floats"
    """(n, d)."""
    part: "Integers"
    """(n,); equal texts share a part."""
    vectors: "Floats | None" = None
    """(n, e), where the application has an embedder."""

    @classmethod
    def of(cls, texts: list[str], shapes: "Floats", vectors: "Floats | None" = None) -> Self:
        """Read the texts once for all heads."""
        return cls(SparseRows.of(texts), shapes, folds_of(texts), vectors)

    def take(self, at: "Integers") -> "Seen":
        """Some of them."""
        vectors = None if self.vectors is None else self.vectors[at]
        return Seen(self.rows.take(at), self.shapes[at], self.part[at], vectors)


@dataclass(frozen=True, slots=True)
class WordHead:
    """Ridge on words and pairs of words, weighted by rarity."""

    rarity: "Floats"
    weights: "Floats"

    @classmethod
    def of(cls, seen: Seen, tiers: int) -> Self:
        """A head that has read the texts, but knows nothing of quality yet."""
        import numpy as np

        return cls(seen.rows.rarity(), np.zeros((BUCKETS, tiers)))

    def learn(self, seen: Seen, targets: "Floats", trust: "Floats") -> tuple["Floats", "Floats"]:
        """Weights (d, t), and what they say of each row left out, (n, t).

        `targets` (n, t) are centred; `trust` (n,) is the square root of each row's weight.
        """
        import numpy as np

        rows = _scaled(seen.rows.weighted(self.rarity), trust)
        aims = targets * trust[:, None]
        parts = [
            (np.flatnonzero(seen.part != part), np.flatnonzero(seen.part == part))
            for part in np.unique(seen.part)
        ]
        halves = [(rows.take(kept), aims[kept], rows.take(left), left) for kept, left in parts]
        tried = []
        for penalty in _WORD_PENALTIES:
            unseen = np.zeros_like(targets)
            for kept_rows, kept_aims, left_rows, left in halves:
                unseen[left] = left_rows.times(sparse_ridge(kept_rows, kept_aims, penalty))
            tried.append((misjudged(aims - unseen), penalty, unseen))
        _, penalty, unseen = min(tried, key=lambda one: one[0])
        return sparse_ridge(rows, aims, penalty), unseen / trust[:, None]

    def says(self, seen: Seen) -> "Floats":
        """Shape (n, t)."""
        return seen.rows.weighted(self.rarity).times(self.weights)


@dataclass(frozen=True, slots=True)
class TopicHead:
    """Ridge on the leading directions in which the texts' words differ.

    The directions are found by randomized SVD (Halko et al., 2011).
    """

    columns: "Integers"
    rarity: "Floats"
    axes: "Floats"
    """(columns, topics)."""
    weights: "Floats"

    @classmethod
    def of(cls, seen: Seen, tiers: int) -> Self:
        """As `WordHead.of`."""
        import numpy as np

        rarity = seen.rows.rarity()
        common = np.bincount(seen.rows.columns, minlength=BUCKETS)
        order = np.argsort(-common, kind="stable")[:_TOPIC_COLUMNS]
        columns = np.sort(order[common[order] > 1])
        dense = seen.rows.weighted(rarity).dense(columns)
        axes = _leading(dense, min(_TOPICS, len(columns) // 4, len(dense) // 4))
        return cls(columns, rarity, axes, np.zeros((axes.shape[1], tiers)))

    def learn(self, seen: Seen, targets: "Floats", trust: "Floats") -> tuple["Floats", "Floats"]:
        """As `WordHead.learn`."""
        return _learnt(self._topics(seen), targets, trust, _TOPIC_PENALTIES)

    def says(self, seen: Seen) -> "Floats":
        """Shape (n, t)."""
        return self._topics(seen) @ self.weights

    def _topics(self, seen: Seen) -> "Floats":
        return seen.rows.weighted(self.rarity).dense(self.columns) @ self.axes


@dataclass(frozen=True, slots=True)
class ShapeHead:
    """Ridge under a Gaussian kernel on the shape, by random waves (Rahimi and Recht, 2007)."""

    centre: "Floats"
    spread: "Floats"
    waves: "Floats"
    """(d, waves)."""
    phases: "Floats"
    weights: "Floats"

    @classmethod
    def of(cls, seen: Seen, tiers: int) -> Self:
        """As `WordHead.of`; a number that never varies is passed over."""
        import numpy as np

        random = np.random.default_rng(0)
        centre, spread = seen.shapes.mean(axis=0), seen.shapes.std(axis=0)
        varied = spread > 1e-9
        width = (2 * _WIDTH * 25 / max(int(varied.sum()), 1)) ** 0.5
        waves = random.normal(scale=width, size=(len(centre), _WAVES))
        phases = random.uniform(0, 2 * np.pi, _WAVES)
        spread = np.where(varied, spread, np.inf)
        return cls(centre, spread, waves, phases, np.zeros((_WAVES, tiers)))

    def learn(self, seen: Seen, targets: "Floats", trust: "Floats") -> tuple["Floats", "Floats"]:
        """As `WordHead.learn`."""
        return _learnt(self._swung(seen), targets, trust, _SHAPE_PENALTIES)

    def says(self, seen: Seen) -> "Floats":
        """Shape (n, t)."""
        return self._swung(seen) @ self.weights

    def _swung(self, seen: Seen) -> "Floats":
        import numpy as np

        even = np.clip((seen.shapes - self.centre) / self.spread, -_FAR, _FAR)
        swung: Floats = np.sqrt(2 / _WAVES) * np.cos(even @ self.waves + self.phases)
        return swung


@dataclass(frozen=True, slots=True)
class VectorHead:
    """Ridge on the application's own embeddings."""

    centre: "Floats"
    weights: "Floats"

    @classmethod
    def of(cls, seen: Seen, tiers: int) -> Self:
        """As `WordHead.of`."""
        import numpy as np

        vectors = _vectors(seen)
        return cls(vectors.mean(axis=0), np.zeros((vectors.shape[1], tiers)))

    def learn(self, seen: Seen, targets: "Floats", trust: "Floats") -> tuple["Floats", "Floats"]:
        """As `WordHead.learn`."""
        return _learnt(_vectors(seen) - self.centre, targets, trust, _TOPIC_PENALTIES)

    def says(self, seen: Seen) -> "Floats":
        """Shape (n, t)."""
        return (_vectors(seen) - self.centre) @ self.weights


Head = WordHead | TopicHead | ShapeHead | VectorHead
HEADS: tuple[type[Head], ...] = (WordHead, TopicHead, ShapeHead, VectorHead)


def _learnt(
    rows: "Floats", targets: "Floats", trust: "Floats", penalties: Sequence[float]
) -> tuple["Floats", "Floats"]:
    weights, unseen = ridge(rows * trust[:, None], targets * trust[:, None], penalties)
    return weights, unseen / trust[:, None]


def _vectors(seen: Seen) -> "Floats":
    if seen.vectors is None:
        raise InputError("this model learnt with an embedder; give it the same one")
    return seen.vectors


def _scaled(rows: SparseRows, trust: "Floats") -> SparseRows:
    return SparseRows(rows.starts, rows.columns, rows.values * trust[rows.owners])


def _leading(dense: "Singles", count: int) -> "Floats":
    import numpy as np

    if count < 1:
        return np.zeros((dense.shape[1], 0))
    random = np.random.default_rng(0)
    guess = dense @ random.normal(size=(dense.shape[1], count + 10)).astype(np.float32)
    for _ in range(4):
        across, _ = np.linalg.qr(guess)
        guess = dense @ (dense.T @ across)
    across, _ = np.linalg.qr(guess)
    _, _, axes = np.linalg.svd(across.T @ dense, full_matrices=False)
    return np.asarray(axes[:count].T, dtype=np.float64)
