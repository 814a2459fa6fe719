"""Fits the prior of the cache's decision: `python -m benchmarks.cache_prior`.

Pairs (fow_pairs, CC BY 4.0) teach what a difference in words means, a replayed stream (Banking77,
CC BY 4.0, PolyAI) what the neighbours' answers mean. Only the `dev` half of each file is read, by a
hash of the question; `benchmarks.cache --half report` measures on the other. Prints the constants
of `ragthrift.cache.serving.prior` before the last line.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.cache import Memory
from benchmarks.cache_sets import (
    Pair,
    Question,
    Vectors,
    half_of,
    read_pairs,
    read_stream,
    shuffled,
    vectors_of,
)
from benchmarks.shared import SHARED, existing, finish, parser, say
from ragthrift.cache.serving.features import NAMES, vector
from ragthrift.cache.serving.neighbour import Neighbour
from ragthrift.cache.serving.prior import SET_BY_HAND

Floats = NDArray[np.float64]

HELPFUL = {
    "similarity", "nearness", "support", "agreement", "group_size", "record", "covered", "same",
}  # fmt: skip
"""Evidence for serving: coefficients not below 0; all others not above."""
STREAM_WEIGHT = 0.5
"""Of the stream beside the pairs, which weigh 1: a stream has far more rows, of one domain."""


def pair_rows(path: Path, vectors: str) -> tuple[Floats, Floats]:
    """Features and labels of every pair of the dev half, each alone in a cache."""
    pairs = [pair for pair in read_pairs(path) if half_of(pair.stored) == "dev"]
    at = vectors_of([text for pair in pairs for text in (pair.stored, pair.asked)], vectors)
    rows, right = [], []
    for pair in pairs:
        stranger = _stranger(pair, pairs, at)
        for stored, same in ((pair.stored, pair.same), (stranger, False)):
            near = Neighbour("0", stored, "", float(at[stored] @ at[pair.asked]), "0")
            rows.append(vector(pair.asked, near, [near], 1, 0.95))
            right.append(same)
    return np.array(rows), np.array(right, dtype=float)


def _stranger(pair: Pair, pairs: Sequence[Pair], at: Vectors) -> str:
    """The nearest stored question of another pair: what a cache without the answer would offer.

    Those nearer than 0.8 are left out, since files ask some questions twice.
    """
    cosines = {other.stored: float(at[other.stored] @ at[pair.asked]) for other in pairs}
    return max((c, text) for text, c in cosines.items() if text != pair.stored and c < 0.8)[1]


def stream_rows(questions: Sequence[Question], vectors: str) -> tuple[Floats, Floats]:
    """Features and labels of a replay in which a model fitted to all labels so far decides."""
    at = vectors_of([question.text for question in questions], vectors)
    memory, sizes = Memory(), dict[str, int]()
    rows: list[Floats] = []
    right: list[float] = []
    fitted: Floats | None = None
    for question in questions:
        near = memory.nearest(at[question.text])
        serve = False
        if near:
            rows.append(vector(question.text, near[0], near, sizes.get(near[0].group, 1), 0.95))
            right.append(near[0].answer == question.answer)
            serve = fitted is not None and bool(sigmoid(np.append(rows[-1], 1) @ fitted) >= 0.93)
            if len(rows) % 100 == 0:
                fitted = fit(np.array(rows), np.array(right), np.ones(len(rows)), steps=150)
        if not serve:
            group = next((n.group for n in near if n.answer == question.answer), None)
            entry = memory.add(question.text, question.answer, at[question.text], group)
            sizes[entry] = sizes.get(entry, 0) + 1
    return np.array(rows), np.array(right, dtype=float)


def sigmoid(score: Floats) -> Floats:
    """The logistic function."""
    return np.asarray(1 / (1 + np.exp(-np.clip(score, -30, 30))))


def fit(features: Floats, right: Floats, weights: Floats, *, steps: int = 2000) -> Floats:
    """Ridge logistic regression with signs fixed by `HELPFUL`, by projected Nesterov steps."""
    scale = np.append(features.std(0) + 0.05, 1.0)
    x = np.c_[features, np.ones(len(features))] / scale
    signs = np.array([1 if name in HELPFUL else -1 for name in NAMES] + [0])
    pace = float(np.linalg.eigvalsh((x.T * weights) @ x)[-1]) / 4 + 1
    at = ahead = np.zeros(x.shape[1])
    momentum = 1.0
    for _ in range(steps):
        slope = x.T @ (weights * (sigmoid(x @ ahead) - right)) + np.append(ahead[:-1], 0)
        new = ahead - slope / pace
        new = np.where(signs * new < 0, 0.0, new)
        next_momentum = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead, at, momentum = new + (momentum - 1) / next_momentum * (new - at), new, next_momentum
    return np.asarray(at / scale)


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--pairs", type=existing, default=SHARED / "cache/fow_pairs.jsonl")
    arguments.add_argument("--stream", type=existing, default=SHARED / "cache/banking77_train.csv")
    arguments.add_argument("--vectors", default="", help="folder that keeps the vectors of texts")
    chosen = arguments.parse_args()
    limit = chosen.limit or 4000
    x, y = pair_rows(chosen.pairs, chosen.vectors)
    dev = [q for q in read_stream(chosen.stream) if half_of(q.text) == "dev"]
    streams = [
        stream_rows(shuffled(dev, chosen.seed + run)[:limit], chosen.vectors) for run in (0, 1)
    ]
    stream_x = np.concatenate([rows for rows, _ in streams])
    stream_y = np.concatenate([right for _, right in streams])
    share = STREAM_WEIGHT * len(y) / len(stream_y)
    weights = np.append(np.ones(len(y)), np.full(len(stream_y), share))
    at = fit(np.concatenate([x, stream_x]), np.append(y, stream_y), weights)
    found = {name: round(float(v), 3) + 0.0 for name, v in zip(NAMES, at[:-1], strict=True)}
    lines = [f'    "{name}": {v},' for name, v in {**found, **SET_BY_HAND}.items()]
    say(chosen.json, "COEFFICIENTS = {", *lines, "}", f"BIAS = {at[-1]:.3f}")
    finish({"pairs": len(y), "stream_rows": len(stream_y), "bias": round(float(at[-1]), 3)})


if __name__ == "__main__":
    main()
