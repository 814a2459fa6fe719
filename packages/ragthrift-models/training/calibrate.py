"""The ranking score as a probability: `python -m training.calibrate --out DIR`.

Fitted on the fit part (each passage among 20), judged on dev. The probability is that a passage
answers the question when one of twenty does; its order is the score's.
"""

import argparse
import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragthrift.late import LATE_WEIGHT
from training.prepare import DATA
from training.prompts import Corpus
from training.questions import Part
from training.ranking import listings_of, parts, scores
from training.states import States

Floats = NDArray[np.float64]
NEWTON_STEPS = 25
BINS = 10


def fit_sigmoid(scored: Floats, relevant: Floats) -> tuple[float, float]:
    """Slope and intercept of `sigmoid(slope * score + intercept)`, by Newton's method."""
    inputs = np.stack([scored, np.ones_like(scored)], axis=1)
    weights = np.zeros(2)
    for _ in range(NEWTON_STEPS):
        p = sigmoid(inputs @ weights)
        curvature = inputs.T @ (inputs * (p * (1 - p))[:, None]) + 1e-6 * np.eye(2)
        weights += np.linalg.solve(curvature, inputs.T @ (relevant - p))
    return float(weights[0]), float(weights[1])


def sigmoid(values: Floats) -> Floats:
    """1 / (1 + e^-x)."""
    return np.asarray(1 / (1 + np.exp(-values)), dtype=np.float64)


def calibration_error(said: Floats, true: Floats) -> float:
    """Expected calibration error over ten bins of equal width (Naeini et al., 2015)."""
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    gaps = [
        abs(said[bins == one].mean() - true[bins == one].mean()) * (bins == one).mean()
        for one in np.unique(bins)
    ]
    return float(sum(gaps))


def marks(said: Floats, true: Floats) -> dict[str, float]:
    """Brier score, that of always saying the base rate, and the expected calibration error."""
    rate = float(true.mean())
    return {
        "brier": round(float(((said - true) ** 2).mean()), 4),
        "brier_of_the_rate": round(rate * (1 - rate), 4),
        "ece": round(calibration_error(said, true), 4),
    }


def scored(corpus: Corpus, states: States, part: Part, limit: int | None) -> tuple[Floats, Floats]:
    """The score of every candidate of a part, and whether it is the gold passage."""
    values: list[float] = []
    relevant: list[float] = []
    for listing in islice(listings_of(corpus, part), limit):
        values += scores(parts(listing, states), LATE_WEIGHT).tolist()
        relevant += [float(listing.grades.get(one, 0)) for one in listing.ids]
    return np.array(values), np.array(relevant)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=int, help="questions of each part")
    chosen = parser.parse_args(arguments)
    corpus, states = Corpus(chosen.data, 0), States()
    states.load(chosen.out / "states")
    slope, intercept = fit_sigmoid(*scored(corpus, states, "fit", chosen.limit))
    values, relevant = scored(corpus, states, "dev", chosen.limit)
    result = {"slope": round(slope, 4), "intercept": round(intercept, 4)}
    result |= marks(sigmoid(slope * values + intercept), relevant)
    (chosen.out / "calibration.json").write_text(json.dumps(result))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
