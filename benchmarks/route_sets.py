"""Outcome files of the router's benchmark, and their splits by prompt."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.cache_sets import half_of
from benchmarks.shared import read_text
from ragthrift.route.ask import Ask
from ragthrift.route.outcome import Outcome

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

csv.field_size_limit(10**9)


@dataclass(frozen=True)
class Outcomes:
    """A file of outcomes, one row a question."""

    prompts: list[str]
    tiers: tuple[str, ...]
    """Cheap to strong for two models; in the file's order for more."""
    qualities: Floats
    """(n, t)."""
    answers: list[str]
    """Of the weak model; empty texts where the file has none."""
    columns: dict[str, list[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.prompts)

    def taken(
        self, at: Sequence[int] | Places, tiers: Sequence[str] | None = None
    ) -> list[Outcome]:
        """Some rows as outcomes, of some tiers."""
        names = tuple(tiers or self.tiers)
        where = [self.tiers.index(name) for name in names]
        return [
            Outcome(
                Ask(self.prompts[i]),
                dict(zip(names, self.qualities[i, where].tolist(), strict=True)),
                {names[0]: self.answers[i]} if self.answers[i] else {},
            )
            for i in at
        ]


def read_pair(path: Path, half: str | None, limit: int | None) -> Outcomes:
    """`prompt`, `weak`, `strong`, and perhaps `weak_response`."""
    return _read(path, "prompt", ("weak", "strong"), half, limit)


def read_tiers(
    path: Path, prices: Path, half: str | None, limit: int | None
) -> tuple[Outcomes, dict[str, float]]:
    """`question` and a column for each model, with dollars per million tokens by model."""
    listed = json.loads(read_text(prices))
    header = next(csv.reader(read_text(path).splitlines(keepends=True)))
    models = tuple(name for name in listed if name in header)
    dollars = {m: (listed[m]["input_price"] + listed[m]["output_price"]) / 2 for m in models}
    return _read(path, "question", models, half, limit), dollars


def _read(
    path: Path, prompt: str, tiers: tuple[str, ...], half: str | None, limit: int | None
) -> Outcomes:
    rows = list(csv.DictReader(read_text(path).splitlines(keepends=True)))
    rows = [row for row in rows if half in (None, half_of(row[prompt]))][:limit]
    return Outcomes(
        [row[prompt] for row in rows],
        tiers,
        np.array([[float(row[name]) for name in tiers] for row in rows]),
        [row.get("weak_response") or "" for row in rows],
        {name: [row[name] for row in rows] for name in rows[0] if name not in (prompt, *tiers)},
    )


def splits(
    outcomes: Outcomes, labels: int | None, seed: int, folds: int
) -> Iterator[tuple[Places, Places]]:
    """Rows to learn from and to judge by; a prompt that repeats is on one side.

    Each prompt is judged once, by what was learnt from `labels` prompts of the other folds, or
    from all of them where they hold no more.
    """
    known: dict[str, int] = {}
    group = np.array([known.setdefault(prompt, len(known)) for prompt in outcomes.prompts])
    order = np.random.default_rng(seed).permutation(len(known))
    for part in np.array_split(order, folds):
        others = order[~np.isin(order, part)][:labels]
        yield np.flatnonzero(np.isin(group, others)), np.flatnonzero(np.isin(group, part))
