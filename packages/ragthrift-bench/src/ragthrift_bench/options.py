"""From the words of a command line to a benchmark and its results."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rich.progress import Progress

from ragthrift.folders import cache_folder
from ragthrift_bench import models, sets
from ragthrift_bench.attempts import Call
from ragthrift_bench.benchmark import Benchmark
from ragthrift_bench.cases import Case
from ragthrift_bench.execution import Attempts
from ragthrift_bench.judge import Judge
from ragthrift_bench.models.recorded import write_recording
from ragthrift_bench.plans import Levers, own_configurations, plain_configurations
from ragthrift_bench.progress import step
from ragthrift_bench.rag import Parts
from ragthrift_bench.reader import MAX_TOKENS, PROMPT, STOP
from ragthrift_bench.records import read_text
from ragthrift_bench.results import Results
from ragthrift_bench.scoring import Pricing


def find_cases(
    data: str,
    *,
    corpus: Path | None = None,
    passages: int = 10,
    limit: int | None = None,
    seed: int = 0,
    history: bool = True,
) -> list[Case]:
    """The cases of a set; `questions.jsonl` is short for `jsonl:questions.jsonl`."""
    if Path(data).is_file() and ":" not in data:
        data = f"jsonl:{data}"
    cases = sets.load(data, passages=passages, seed=seed, limit=limit, corpus=corpus)
    return cases if history else [replace(case, history=()) for case in cases]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The words of `ragthrift bench run`."""

    pricing: Pricing
    data: str = "demo"
    corpus: Path | None = None
    passages: int = 10
    limit: int | None = None
    seed: int = 0
    history: bool = True
    pipelines: tuple[str, ...] = ()
    levers: tuple[str, ...] = ()
    llm: str = "embedded"
    prompt: Path | None = None
    max_tokens: int | None = None
    jobs: int = 1
    metric: str | None = None
    margin: float = 0.02
    judge: str | None = None
    cache: Path | None = None
    fresh: bool = False
    record: Path | None = None

    def run(self, progress: Progress) -> Results:
        """Everything from reading the questions to the verdicts."""
        benchmark = self.benchmark(progress)
        attempts = benchmark.attempt(progress)
        if self.record:
            write_recording(_calls(attempts), self.record)
        return benchmark.results(attempts, progress)

    def benchmark(self, progress: Progress) -> Benchmark:
        """Read the questions and find the configurations; no model is loaded yet."""
        folder = self.cache or cache_folder("bench")
        attempts, generations = folder / "attempts", folder / "generations"
        if self.fresh:
            shutil.rmtree(attempts, ignore_errors=True)
            shutil.rmtree(generations, ignore_errors=True)
        levers = Levers.of(self.levers)
        llm = None if self.pipelines else models.load(self.llm)
        judge = models.load(self.judge) if self.judge else None
        configurations = (
            own_configurations(self.pipelines, levers)
            if self.pipelines
            else plain_configurations(llm, self._parts(), levers, generations)
        )
        with step(progress, f"reading {self.data}"):
            cases = self._cases()
        return Benchmark(
            cases=cases,
            configurations=configurations,
            pricing=self.pricing,
            name=self.data,
            answered_by=None if self.pipelines else llm.name if llm else "no model",
            metric=self.metric,
            margin=self.margin,
            seed=self.seed,
            jobs=self.jobs,
            folder=attempts,
            judge=Judge(judge.open(generations)) if judge else None,
        )

    def _cases(self) -> list[Case]:
        return find_cases(
            self.data,
            corpus=self.corpus,
            passages=self.passages,
            limit=self.limit,
            seed=self.seed,
            history=self.history,
        )

    def _parts(self) -> Parts:
        prompt = read_text(self.prompt) if self.prompt else PROMPT
        own = self.prompt is not None or self.llm != "embedded"
        stop = () if own else tuple(STOP)
        tokens = self.max_tokens or (None if own else MAX_TOKENS)
        return Parts(llm=None, prompt=prompt, max_tokens=tokens, stop=stop)


def _calls(attempts: Mapping[str, Attempts]) -> Iterator[Call]:
    for made in attempts.values():
        for attempt in made:
            yield from () if isinstance(attempt, Exception) else attempt.calls
