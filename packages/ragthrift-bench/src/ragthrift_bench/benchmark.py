"""A whole benchmark: every case under every configuration, priced, measured and compared."""

import logging
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.progress import Progress

from ragthrift import InputError
from ragthrift.errors import RagthriftError
from ragthrift.folders import cache_folder
from ragthrift.machine import available_cpus
from ragthrift_bench.attempts import Attempt
from ragthrift_bench.cases import Case, cases_hash
from ragthrift_bench.configurations import Configuration
from ragthrift_bench.execution import Attempts, attempt_all
from ragthrift_bench.judge import Judge, judged_ties
from ragthrift_bench.progress import step
from ragthrift_bench.results import Outcome, Results
from ragthrift_bench.scoring import Pricing, score
from ragthrift_bench.verdicts import judge_all

METRICS_BY_PREFERENCE = ("token_f1", "answer_kept", "gold_kept")
"""The metric of the verdicts, where none is named: the first that every question has."""
REPORTED_VERSIONS = (
    "ragthrift",
    "ragthrift-bench",
    "genai-prices",
    "langchain-core",
    "llama-index-core",
    "onnxruntime",
    "xllamacpp",
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """What a run is to find out."""

    cases: Sequence[Case]
    configurations: Sequence[Configuration]
    """The first is the baseline."""
    pricing: Pricing
    name: str = "own questions"
    """What a report calls the cases."""
    answered_by: str | None = None
    """What a report calls the model; by default the names that models gave themselves."""
    metric: str | None = None
    margin: float = 0.02
    seed: int = 0
    jobs: int = 1
    folder: Path | None = None
    """Where attempts are kept; by default the user's cache folder."""
    judge: Judge | None = None

    def __post_init__(self) -> None:
        if not self.cases:
            raise InputError("there is no question to ask")
        names = [configuration.name for configuration in self.configurations]
        if not names or len(set(names)) < len(names):
            raise InputError(f"configurations need names of their own, not {names}")
        if self.jobs < 1:
            raise InputError(f"jobs={self.jobs} must be at least 1")
        if not 0 < self.margin < 1:
            raise InputError(f"margin={self.margin} must lie between 0 and 1, such as 0.02")

    def run(self, progress: Progress | None = None) -> Results:
        """Ask, price, measure and compare.

        Raises InputError where nothing can be compared, RagthriftError when every question of a
        configuration failed.
        """
        bars = progress or Progress(disable=True)
        return self.results(self.attempt(bars), bars)

    def attempt(self, progress: Progress) -> Mapping[str, Attempts]:
        """Ask every question; what was asked before is taken from the folder."""
        folder = self.folder or cache_folder("bench")
        attempts = attempt_all(
            self.configurations, self.cases, folder=folder, jobs=self.jobs, progress=progress
        )
        for name, made in attempts.items():
            _check_any_answer(name, made)
        return attempts

    def results(self, attempts: Mapping[str, Attempts], progress: Progress) -> Results:
        """Price and measure attempts that were made, and compare them with the baseline's."""
        outcomes = []
        for configuration in self.configurations:
            made = attempts[configuration.name]
            with step(progress, f"{configuration.name}: pricing"):
                judged = self._judged(made, attempts[self.configurations[0].name], progress)
                rows = score(self.cases, made, self.pricing, judged=judged)
            outcomes.append(Outcome(configuration.name, configuration.levers, tuple(rows)))
        metric = self.metric or _first_known(outcomes)
        with step(progress, "comparing"):
            compared = judge_all(outcomes, metric=metric, margin=self.margin, seed=self.seed)
        return Results(
            outcomes=compared,
            metric=metric,
            margin=self.margin,
            model=self.pricing.model,
            price_date=self.pricing.on.isoformat(),
            caching=self.pricing.caching,
            cases=self.name,
            cases_hash=cases_hash(self.cases),
            seed=self.seed,
            answered_by=self.answered_by or _models(attempts),
            seconds_apart=self.pricing.seconds_apart,
            machine_price=self.pricing.machine_price,
            versions=_versions(),
            machine=_machine(),
        )

    def _judged(
        self, made: Attempts, baseline: Attempts, progress: Progress
    ) -> Mapping[str, float] | None:
        if self.judge is None:
            return None
        if made is baseline:
            return judged_ties(self.cases)
        pairs = zip(self.cases, made, baseline, strict=True)
        tracked = progress.track(pairs, total=len(self.cases), description="judging")
        return {
            case.id: self.judge.prefers(case, _answer(ours), _answer(theirs))
            for case, ours, theirs in tracked
        }


def _answer(attempt: Attempt | Exception) -> str:
    return "" if isinstance(attempt, Exception) else attempt.answer or ""


def _check_any_answer(name: str, made: Attempts) -> None:
    failed = [attempt for attempt in made if isinstance(attempt, Exception)]
    if not failed:
        return
    told = f"{type(failed[0]).__name__}: {failed[0]}"
    if len(failed) == len(made):
        raise RagthriftError(f"every question failed under {name!r}: {told}") from failed[0]
    log.warning("%d of %d questions failed under %r: %s", len(failed), len(made), name, told)


def _first_known(outcomes: Sequence[Outcome]) -> str:
    rows = [row for outcome in outcomes for row in outcome.rows]
    for metric in METRICS_BY_PREFERENCE:
        if all(metric in row.quality for row in rows):
            return metric
    raise InputError(
        "no model was asked, and the cases do not say which passages are needed, so there is no "
        "quality to measure; add gold_ids or supports to them, or let a model answer"
    )


def _models(attempts: Mapping[str, Attempts]) -> str:
    every = (made for several in attempts.values() for made in several)
    calls = (call for made in every if isinstance(made, Attempt) for call in made.calls)
    return ", ".join(sorted({call.model for call in calls if call.model})) or "an unnamed model"


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in REPORTED_VERSIONS:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _machine() -> dict[str, str]:
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(available_cpus()),
    }


def _processor() -> str:
    """Linux alone names it in a file."""
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text(encoding="utf-8").splitlines() if cpus.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or "unknown"
