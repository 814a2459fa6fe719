"""Runs steps in order and records what each one saved."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ragthrift.errors import ContractError, InputError
from ragthrift.protocols import Compressor, Reranker, Step, TokenCounter
from ragthrift.tokens import EstimatedTokens
from ragthrift.types import Passage
from ragthrift.usage import Savings

OnError = Literal["pass", "raise"]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What one step did to one call."""

    name: str
    passages: Savings
    tokens: Savings
    exact: bool
    """Whether `tokens` were counted exactly or estimated."""
    seconds: float
    error: str | None = None
    """Why the step was passed over; its savings are then zero."""


@dataclass(frozen=True, slots=True)
class Run:
    """The outcome of a pipeline for one query."""

    query: str
    passages: tuple[Passage, ...]
    records: tuple[StepRecord, ...]

    @property
    def tokens(self) -> Savings:
        """Passage tokens before the first step and after the last."""
        if not self.records:
            return Savings(0, 0)
        return Savings(self.records[0].tokens.before, self.records[-1].tokens.after)


class Pipeline:
    """Steps in order; itself a step.

    >>> from ragthrift import Passage
    >>> first_only = lambda query, passages: passages[:1]
    >>> run = Pipeline([first_only]).run("Who?", [Passage("Ann did."), Passage("Bob did not.")])
    >>> run.passages[0].text, run.records[0].passages
    ('Ann did.', Savings(before=2, after=1))

    `steps` holds functions `(query, passages) -> passages`, rerankers and compressors.
    `on_error="pass"` hands a failing step's input on unharmed, logs the failure once per step and
    counts it in `failures`; `"raise"` lets it through. `on_run` is called with every `Run`.
    """

    def __init__(
        self,
        steps: Iterable[Step | Reranker | Compressor],
        *,
        token_counter: TokenCounter | None = None,
        on_error: OnError = "pass",
        on_run: Callable[[Run], None] | None = None,
    ) -> None:
        if on_error not in ("pass", "raise"):
            raise InputError(f"on_error={on_error!r} must be 'pass' or 'raise'")
        parts = list(steps)
        names = _distinct(_name(part) for part in parts)
        self._steps = list(zip(names, map(as_step, parts), strict=True))
        self._counter = token_counter or EstimatedTokens()
        self._on_error = on_error
        self._on_run = on_run
        self._lock = threading.Lock()
        self._failures: Counter[str] = Counter()

    @property
    def failures(self) -> dict[str, int]:
        """How often each step failed and was passed over, by step name."""
        with self._lock:
            return dict(self._failures)

    def __call__(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        """The passages after every step: a pipeline is a step too."""
        return list(self.run(query, passages).passages)

    def run(self, query: str, passages: Sequence[Passage]) -> Run:
        """Run every step; nothing to run on is not an error."""
        current = tuple(passages)
        records = []
        tokens = self._count(current)
        for name, step in self._steps if current else ():
            started = time.perf_counter()
            after, error = self._apply(name, step, query, current)
            seconds = time.perf_counter() - started
            tokens_after = tokens if after is current else self._count(after)
            records.append(
                StepRecord(
                    name,
                    Savings(len(current), len(after)),
                    Savings(tokens, tokens_after),
                    self._counter.exact,
                    seconds,
                    error,
                )
            )
            current, tokens = after, tokens_after
        run = Run(query, current, tuple(records))
        self._tell(run)
        return run

    def _apply(
        self, name: str, step: Step, query: str, passages: tuple[Passage, ...]
    ) -> tuple[tuple[Passage, ...], str | None]:
        try:
            after = tuple(step(query, passages))
            _check_contract(name, passages, after)
        except Exception as error:
            if self._on_error == "raise":
                raise
            self._count_failure(name, error)
            return passages, f"{type(error).__name__}: {error}"
        return after, None

    def _count_failure(self, name: str, error: Exception) -> None:
        with self._lock:
            self._failures[name] += 1
            first = self._failures[name] == 1
        if first:
            log.warning("%s failed and was passed over (logged once)", name, exc_info=error)

    def _count(self, passages: Sequence[Passage]) -> int:
        try:
            return sum(self._counter.count(passage.text) for passage in passages)
        except Exception as error:
            if self._on_error == "raise":
                raise
            self._count_failure("token_counter", error)
            self._counter = EstimatedTokens()
            return self._count(passages)

    def _tell(self, run: Run) -> None:
        if self._on_run is None:
            return
        try:
            self._on_run(run)
        except Exception as error:
            if self._on_error == "raise":
                raise
            self._count_failure("on_run", error)


def as_step(part: Step | Reranker | Compressor) -> Step:
    """The function behind a part: its `rank`, its `compress`, or the callable itself."""
    if isinstance(part, type):
        raise InputError(f"{part.__name__} is a class, not a step; make one: {part.__name__}()")
    if isinstance(part, Reranker):
        return part.rank
    if isinstance(part, Compressor):
        return part.compress
    if callable(part):
        return part
    raise InputError(
        f"{part!r} is not a step: it needs rank(query, passages), compress(query, passages), "
        "or to be callable as (query, passages)"
    )


def _name(part: object) -> str:
    owner = getattr(part, "__self__", part)
    if owner is part:
        return getattr(part, "__name__", None) or type(part).__name__
    return owner.__name__ if isinstance(owner, type) else type(owner).__name__


def _distinct(names: Iterable[str]) -> Iterator[str]:
    """Number the second and later of one name: records and failures go by it."""
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name} {seen[name]}"


def _check_contract(name: str, before: Sequence[Passage], after: Sequence[Passage]) -> None:
    strangers = Counter(_ids(name, after)) - Counter(passage.id for passage in before)
    if strangers:
        raise ContractError(
            f"{name} returned passages it was not given: {sorted(strangers)}; "
            "use Passage.with_text or with_score so that ids survive"
        )


def _ids(name: str, passages: Sequence[Passage]) -> list[str]:
    for passage in passages:
        if not isinstance(passage, Passage):
            raise ContractError(f"{name} returned a {type(passage).__name__}, not a Passage")
    return [passage.id for passage in passages]
