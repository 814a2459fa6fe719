"""The calls that models get while a question is answered, however deep inside an application."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import wraps

from ragthrift import Completion, Message, Passage
from ragthrift.pipeline import as_step
from ragthrift.protocols import Compressor, Reranker, Step
from ragthrift_bench.attempts import Call
from ragthrift_bench.generations import Answering


@dataclass(slots=True)
class Observation:
    """What was seen so far."""

    calls: list[Call] = field(default_factory=list)
    lever_seconds: float = 0.0
    """What levers computed on this machine, their calls of models left out."""

    def add(self, call: Call, waited: float) -> None:
        """See a call; `waited` are the seconds that passed now: an answer from disk takes none."""
        self.calls.append(replace(call, by_lever=_in_lever.get()))
        if _in_lever.get():
            self.lever_seconds -= waited


_current: ContextVar[Observation | None] = ContextVar("observation", default=None)
_in_lever: ContextVar[bool] = ContextVar("in_lever", default=False)


@contextmanager
def observed() -> Iterator[Observation]:
    """See every call that is made in this context and in those copied from it."""
    observation = Observation()
    token = _current.set(observation)
    try:
        yield observation
    finally:
        _current.reset(token)


def current() -> Observation | None:
    """The observation of this context, `None` where nobody looks."""
    return _current.get()


def timed(part: Step | Reranker | Compressor) -> Step:
    """The step, timed: its seconds and its calls of models are the lever's."""
    step = as_step(part)

    @wraps(step)
    def run(query: str, passages: Sequence[Passage]) -> Sequence[Passage]:
        token = _in_lever.set(True)
        started = time.perf_counter()
        try:
            return step(query, passages)
        finally:
            _in_lever.reset(token)
            if (seen := current()) is not None:
                seen.lever_seconds += time.perf_counter() - started

    return run


class ObservedLLM:
    """A model whose calls are seen, with the seconds that they took when they were made."""

    def __init__(self, llm: Answering) -> None:
        self._llm = llm

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Completion:
        """What the model answers."""
        started = time.perf_counter()
        made = self._llm.generate(messages, max_tokens=max_tokens, stop=stop)
        waited = time.perf_counter() - started
        if (seen := current()) is not None:
            got = made.completion
            call = Call(tuple(messages), got.text, got.model, got.usage, made.seconds)
            seen.add(call, waited)
        return made.completion
