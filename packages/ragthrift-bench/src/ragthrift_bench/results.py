"""What a benchmark run found: rows, comparisons and everything needed to repeat it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from ragthrift import InputError, Usage
from ragthrift_bench.comparison import Comparison
from ragthrift_bench.intervals import Interval
from ragthrift_bench.records import read_json

SCHEMA = 1
"""Raised when a field changes its meaning or goes."""


@dataclass(frozen=True, slots=True)
class Row:
    """One question under one configuration."""

    case_id: str
    question: str
    answer: str
    usage: Usage
    """Tokens of all calls by billed class, under the provider's caching rules."""
    dollars: float
    """Net: the calls and the lever's own models."""
    lever_dollars: float
    seconds: float
    lever_seconds: float
    quality: Mapping[str, float]
    """Every metric by name; higher is better. One that is not known for a case is left out."""
    cluster: str | None = None
    """The source document, where questions share one."""
    error: str | None = None
    expected: tuple[str, ...] = ()
    """The gold answers, any of them right."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One configuration over all questions."""

    name: str
    levers: tuple[str, ...]
    rows: tuple[Row, ...]
    comparison: Comparison | None = None
    """Against the baseline; `None` for the baseline itself."""
    p_value: float | None = None
    """McNemar's exact test on exact match, after Holm."""

    def mean(self, metric: str) -> float:
        """The mean of a quality metric over the questions that it is known for."""
        return fmean(row.quality[metric] for row in self.rows if metric in row.quality)

    @property
    def dollars(self) -> float:
        """Net dollars of all questions."""
        return sum(row.dollars for row in self.rows)

    @property
    def usage(self) -> Usage:
        """Billed tokens of all questions."""
        return sum((row.usage for row in self.rows), Usage())


@dataclass(frozen=True, slots=True)
class Results:
    """A whole run. The first outcome is the baseline."""

    outcomes: tuple[Outcome, ...]
    metric: str
    """The quality metric that the verdicts speak of."""
    margin: float
    model: str
    """The model whose prices were taken."""
    price_date: str
    caching: str
    """The provider's caching rules that were simulated."""
    cases: str
    """What was asked: the name of the set."""
    cases_hash: str
    seed: int
    answered_by: str
    """The model that really wrote the answers."""
    seconds_apart: float = 0.0
    """From one question to the next, in the simulation of prompt caches."""
    machine_price: float = 0.0
    """Dollars an hour that the levers' own computing was charged with."""
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)

    @property
    def baseline(self) -> Outcome:
        """What every other outcome is compared with."""
        return self.outcomes[0]

    def write(self, path: Path) -> None:
        """Write `results.json`: sorted keys, so that equal runs are equal files."""
        text = json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1, sort_keys=True)
        path.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Read what `write` wrote. Raises InputError for anything else."""
        raw = read_json(path)
        if not isinstance(raw, dict) or raw.pop("schema", None) != SCHEMA:
            raise InputError(f"{path} is not a results file of schema {SCHEMA}; run it again")
        outcomes = tuple(_outcome(outcome) for outcome in raw.pop("outcomes"))
        return cls(outcomes=outcomes, **raw)


def _outcome(raw: dict[str, Any]) -> Outcome:
    comparison = raw.pop("comparison")
    rows = tuple(_row(row) for row in raw.pop("rows"))
    levers: Sequence[str] = raw.pop("levers")
    return Outcome(
        levers=tuple(levers),
        rows=rows,
        comparison=_comparison(comparison) if comparison else None,
        **raw,
    )


def _row(raw: dict[str, Any]) -> Row:
    usage, expected = Usage(**raw.pop("usage")), tuple(raw.pop("expected", ()))
    return Row(usage=usage, expected=expected, **raw)


def _comparison(raw: dict[str, Any]) -> Comparison:
    dollars, quality = Interval(**raw.pop("dollars")), Interval(**raw.pop("quality"))
    return Comparison(dollars=dollars, quality=quality, **raw)
