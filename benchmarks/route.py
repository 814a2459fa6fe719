"""What routing saves, and how well it holds a target: `python -m benchmarks.route`.

`--outcomes`: two models; strong calls against quality as RouteLLM counts them, split by prompt.
`--cascade`: the same, decided when the weak answer is there (`weak_response`).
`--tiers`, `--prices`: any number of models; dollars against quality, equal tokens assumed.
`--targets`: budgets and qualities, calibrated on what was learnt from and held on the rest; with
`--then` also on a stream that goes on with another file's questions.
Baselines run beside ours: random order, always one model, length, numeric columns that begin with
`litellm`, the mean of a `domain` or `task`, and with `--peers` neighbours by MiniLM's embeddings,
and ours with these.
`routellm` 0.2.0 makes an OpenAI client when it is imported, and all its routers load weights or
embeddings from Hugging Face, so it cannot run offline.
Decisions are timed in milliseconds of CPU, which other work on the machine does not lengthen.
"""

import time
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cache_sets import Known, vectors_of
from benchmarks.route_curve import cost_at, interval, measures
from benchmarks.route_peers import PEERS, Scores, Split
from benchmarks.route_sets import Outcomes, read_pair, read_tiers, splits
from benchmarks.route_targets import ask_targets
from benchmarks.shared import existing, finish, parser, quantiles, say
from ragthrift.route.ask import Ask
from ragthrift.route.choice import choose_each
from ragthrift.route.learned import LearnedQuality
from ragthrift.route.learned_escalation import LearnedEscalation
from ragthrift.route.prior import PriorEscalation, PriorQuality

Floats = NDArray[np.float64]
RATES = np.concatenate([[0.0], np.geomspace(0.003, 30, 240)])
"""Quality per cost of the dearest model at which choices between tiers are read off."""


@dataclass
class Counted:
    """What one way of scoring came to over all runs."""

    parts: list[tuple[Floats, Floats, Floats]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def told(self, seed: int) -> dict[str, Any]:
        """Means over the runs, and the interval over questions."""
        each = [measures(*part) for part in self.parts]
        told: dict[str, Any] = {
            key: round(float(np.mean([one[key] for one in each])), 4) for key in each[0]
        }
        told["ci95"] = [round(bound, 4) for bound in interval(self.parts, seed)]
        told["sd"] = round(float(np.std([one["apgr"] for one in each])), 4)
        if self.seconds:
            told |= quantiles("decision", self.seconds)
        return told


def ours(split: Split) -> Scores:
    """What our model expects the strong one to add."""
    model = LearnedQuality().fit(split.outcomes.taken(split.learnt))
    tiers = split.outcomes.tiers
    return lambda at: _gain(model.expected(Ask(split.outcomes.prompts[at]), tiers))


def ours_embedded(split: Split) -> Scores:
    """The same with the application's own embeddings, here MiniLM's; they are made beforehand."""
    known = Known(vectors_of(split.outcomes.prompts, split.vectors))
    model = LearnedQuality(embedder=known).fit(split.outcomes.taken(split.learnt))
    tiers = split.outcomes.tiers
    return lambda at: _gain(model.expected(Ask(split.outcomes.prompts[at]), tiers))


def prior(split: Split) -> Scores:
    """The same before any label."""
    model, tiers = PriorQuality(), split.outcomes.tiers
    return lambda at: _gain(model.expected(Ask(split.outcomes.prompts[at]), tiers))


def ours_answered(split: Split) -> Scores:
    """What it expects when it has read the weak answer."""
    model = LearnedEscalation().fit(split.outcomes.taken(split.learnt))
    return lambda at: model.gain(*_answered(split.outcomes, at))


def prior_answered(split: Split) -> Scores:
    """The same before any label."""
    model = PriorEscalation()
    return lambda at: model.gain(*_answered(split.outcomes, at))


def _gain(expected: Sequence[float]) -> float:
    return expected[-1] - expected[0]


def _answered(outcomes: Outcomes, at: int) -> tuple[Ask, str, str, str]:
    weak, strong = outcomes.tiers
    return Ask(outcomes.prompts[at]), outcomes.answers[at], weak, strong


def ask_pair(outcomes: Outcomes, chosen: Namespace) -> dict[str, Any]:
    """Every way of scoring on the same splits."""
    ways: Mapping[str, Callable[[Split], Scores | None]] = {
        "ragthrift": ours_answered if chosen.cascade else ours,
        "no_label": prior_answered if chosen.cascade else prior,
        **({"with_embeddings": ours_embedded} if chosen.peers and not chosen.cascade else {}),
        **{name: way for name, way in PEERS.items() if chosen.peers or not name.startswith("knn")},
    }
    counted = {name: Counted() for name in ways}
    labels = 0
    for seed in range(chosen.seed, chosen.seed + chosen.runs):
        for learnt, judged in splits(outcomes, chosen.labels, seed, chosen.folds):
            labels = len(learnt)
            split = Split(outcomes, learnt, judged, seed, chosen.vectors)
            for name, way in ways.items():
                _score(counted[name], way(split), split)
        parts = counted["ragthrift"].parts
        say(chosen.json, f"seed {seed}: {measures(*parts[-1])['apgr']:.4f} on {len(parts[-1][0])}")
    told = {name: one.told(chosen.seed) for name, one in counted.items() if one.parts}
    weak, strong = outcomes.qualities.mean(axis=0).tolist()
    beside = {name: one for name, one in told.items() if name != "ragthrift"}
    always = {"always_weak": round(weak, 4), "always_strong": round(strong, 4)}
    return {**told["ragthrift"], "labels": labels, "quality": always, "baselines": beside}


def _score(counted: Counted, scores: Scores | None, split: Split) -> None:
    if scores is None:
        return
    said = []
    for at in split.judged:
        started = time.thread_time()
        said.append(scores(int(at)))
        counted.seconds.append(time.thread_time() - started)
    weak, strong = split.outcomes.qualities[split.judged].T
    counted.parts.append((np.array(said), weak, strong))


def ask_tiers(outcomes: Outcomes, prices: Mapping[str, float], chosen: Namespace) -> dict[str, Any]:
    """One curve of cost over quality a run, as shares of the best model's."""
    reached: list[tuple[float | None, float | None, float]] = []
    rungs: tuple[str, ...] = ()
    seconds: list[float] = []
    for seed in range(chosen.seed, chosen.seed + chosen.runs):
        points, best = np.zeros((len(RATES), 2)), np.zeros(2)
        for learnt, judged in splits(outcomes, chosen.labels, seed, chosen.folds):
            rungs = ladder(outcomes, prices, learnt)
            fitted = LearnedQuality().fit(outcomes.taken(learnt, rungs))
            expected = []
            for at in judged:
                started = time.thread_time()
                expected.append(fitted.expected(Ask(outcomes.prompts[at]), rungs))
                seconds.append(time.thread_time() - started)
            where = [outcomes.tiers.index(name) for name in rungs]
            seen = outcomes.qualities[judged][:, where]
            costs = np.array([prices[name] for name in rungs])
            points += _spent(np.array(expected), seen, costs)
            best += (len(judged) * costs[-1], seen[:, -1].sum())
        shares = points / best
        at_98, at_95 = (cost_at(shares[:, 0], shares[:, 1], wanted) for wanted in (0.98, 0.95))
        reached.append((at_98, at_95, float(shares[:, 1].max())))
        say(chosen.json, f"seed {seed}: 98 % at {at_98}, 95 % at {at_95}, ladder {rungs}")
    return {
        "cost_at_98": _mean([one[0] for one in reached]),
        "cost_at_95": _mean([one[1] for one in reached]),
        "most_quality": _mean([one[2] for one in reached]),
        "cost_at_98_each": [one[0] if one[0] is None else round(one[0], 4) for one in reached],
        "ladder": list(rungs),
        **quantiles("decision", seconds),
    }


def ladder(
    outcomes: Outcomes, prices: Mapping[str, float], rows: NDArray[np.intp]
) -> tuple[str, ...]:
    """Models that no cheaper or equally dear one beats on these rows, cheap to strong."""
    quality = dict(zip(outcomes.tiers, outcomes.qualities[rows].mean(axis=0), strict=True))
    kept: list[str] = []
    for name in sorted(outcomes.tiers, key=lambda name: (prices[name], -quality[name])):
        if not kept or quality[name] > quality[kept[-1]]:
            kept.append(name)
    return tuple(kept)


def _spent(expected: Floats, qualities: Floats, costs: Floats) -> Floats:
    """Cost and quality summed over the questions at each rate, shape (rates, 2)."""
    each = np.broadcast_to(costs, qualities.shape)
    made = []
    for rate in RATES / costs.max():
        places = choose_each(expected, each, rate)[:, None]
        took = (np.take_along_axis(of, places, axis=1).sum() for of in (each, qualities))
        made.append(tuple(took))
    return np.array(made)


def _mean(values: Sequence[float | None]) -> float | None:
    """Of all runs; `None` if one of them never got there."""
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 4) if known and len(known) == len(values) else None


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--outcomes", type=existing, help="CSV: prompt, weak, strong")
    arguments.add_argument("--tiers", type=existing, help="CSV: question, a column for each model")
    arguments.add_argument("--prices", type=existing, help="JSON: model to input and output price")
    arguments.add_argument("--labels", type=int, help="prompts to learn from, at most")
    arguments.add_argument(
        "--folds", type=int, default=5, help="parts, where --labels is not given"
    )
    arguments.add_argument("--runs", type=int, default=5, help="seeds")
    arguments.add_argument("--cascade", action="store_true", help="decide when the answer is there")
    arguments.add_argument("--targets", action="store_true", help="hold budgets and qualities")
    arguments.add_argument("--then", type=existing, help="the file that the traffic turns to")
    arguments.add_argument("--half", choices=["dev", "report"], help="only this half of the file")
    arguments.add_argument("--peers", action="store_true", help="neighbours by MiniLM, too")
    arguments.add_argument("--vectors", default="", help="folder that keeps the vectors of texts")
    chosen = arguments.parse_args()
    if bool(chosen.outcomes) == bool(chosen.tiers) or bool(chosen.tiers) != bool(chosen.prices):
        arguments.error("name --outcomes, or --tiers and --prices")
    if chosen.tiers:
        outcomes, prices = read_tiers(chosen.tiers, chosen.prices, chosen.half, chosen.limit)
        finish(ask_tiers(outcomes, prices, chosen))
        return
    outcomes = read_pair(chosen.outcomes, chosen.half, chosen.limit)
    if chosen.cascade and not any(outcomes.answers):
        arguments.error("--cascade needs a column weak_response")
    if chosen.targets:
        turned = read_pair(chosen.then, chosen.half, chosen.limit) if chosen.then else None
        finish(ask_targets(outcomes, turned, chosen))
    else:
        finish(ask_pair(outcomes, chosen))


if __name__ == "__main__":
    main()
