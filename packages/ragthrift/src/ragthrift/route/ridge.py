"""Ridge regression: on dense rows with what it would say of a row unseen, and on sparse rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ragthrift.route.ngrams import SparseRows

    Floats = NDArray[np.float64]


def ridge(
    rows: "Floats", targets: "Floats", penalties: Sequence[float]
) -> tuple["Floats", "Floats"]:
    """Weights (d, t) at the penalty that errs least on left-out rows, and what it says of those.

    `rows` is (n, d), `targets` (n, t), centred by the caller. The predictions, (n, t), are exact
    leave-one-out ones by the hat matrix (Allen, 1974).
    """
    import numpy as np

    values, vectors = np.linalg.eigh(rows.T @ rows)
    turned = rows @ vectors
    onto = turned.T @ targets
    tried = []
    for penalty in penalties:
        shrunk = 1 / (np.maximum(values, 0) + penalty)
        fitted = turned @ (shrunk[:, None] * onto)
        leverage = np.minimum((turned**2) @ shrunk, 0.999)[:, None]
        left_out = (fitted - leverage * targets) / (1 - leverage)
        weights = vectors @ (shrunk[:, None] * onto)
        tried.append((misjudged(targets - left_out), weights, left_out))
    _, weights, left_out = min(tried, key=lambda one: one[0])
    return weights, left_out


def misjudged(errors: "Floats") -> float:
    """Sum of squares of what errors change between tiers, or of all where there is one tier.

    A choice between tiers only sees their differences, which are far noisier than the level that
    they share and so need a higher penalty.
    """
    if errors.shape[1] > 1:
        errors = errors - errors.mean(axis=1, keepdims=True)
    return float((errors**2).sum())


def sparse_ridge(
    rows: "SparseRows", targets: "Floats", penalty: float, *, steps: int = 25
) -> "Floats":
    """Weights (BUCKETS, t), by conjugate gradients on the dual (n, n) system."""
    import numpy as np

    dual = np.zeros_like(targets)
    residual = targets.copy()
    direction = residual.copy()
    norms = (residual**2).sum(axis=0)
    start = norms.copy()
    for _ in range(steps):
        moved = rows.times(rows.transposed_times(direction)) + penalty * direction
        scale = norms / np.maximum((direction * moved).sum(axis=0), 1e-30)
        dual += scale * direction
        residual -= scale * moved
        fresh = (residual**2).sum(axis=0)
        if (fresh <= 1e-8 * np.maximum(start, 1e-30)).all():
            break
        direction = residual + fresh / np.maximum(norms, 1e-30) * direction
        norms = fresh
    return rows.transposed_times(dual)
