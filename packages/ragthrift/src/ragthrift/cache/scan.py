"""The nearest rows of a matrix, by inner product."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Bytes = NDArray[np.uint8]
    Integers = NDArray[np.int64]


def nearest(vectors: "Floats", vector: "Floats", k: int) -> "tuple[Integers, Floats]":
    """Rows and inner products of the k nearest, best first; exact.

    FAISS where it is installed, else numpy.
    """
    import numpy as np

    k = min(k, len(vectors))
    try:
        import faiss
    except ImportError:
        products = vectors @ vector
        rows = np.argpartition(-products, k - 1)[:k]
        rows = rows[np.argsort(-products[rows], kind="stable")]
        return rows.astype(np.int64), products[rows]
    with _one_thread():
        products, rows = faiss.knn(vector[None], vectors, k, metric=faiss.METRIC_INNER_PRODUCT)
    return rows[0], products[0]


def sketches(vectors: "Floats") -> "Bytes":
    """The signs of each vector, 8 to a byte; shape (n, ceil(d / 8))."""
    import numpy as np

    return np.packbits(vectors > 0, axis=1)


def candidates(signs: "Bytes", sketch: "Bytes", k: int) -> "Integers | None":
    """The k rows whose signs differ least from a sketch, or `None` without FAISS.

    The share of signs that differ estimates the angle (Charikar, 2002).
    """
    try:
        import faiss
    except ImportError:
        return None
    import numpy as np

    with _one_thread():
        _, rows = faiss.knn_hamming(sketch[None], signs, k, variant="mc")
    return np.asarray(rows[0], dtype=np.int64)


@contextmanager
def _one_thread() -> Iterator[None]:
    """A scan takes a millisecond; on a busy machine waking other threads for it takes twenty.

    OpenMP keeps the number for each calling thread apart, so that nobody else is slowed.
    """
    import faiss

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)
