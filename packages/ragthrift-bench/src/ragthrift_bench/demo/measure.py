"""One configuration over all questions: what was sent, what it costs, whether it was right."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from statistics import fmean

from ragthrift import Completion, Message, Usage
from ragthrift.protocols import LLM, TokenCounter
from ragthrift_bench.answers import contains, exact_match, token_f1
from ragthrift_bench.billing import price
from ragthrift_bench.cases import Case


@dataclass(frozen=True, slots=True)
class Answered:
    """What an application said, and the passages that its prompt held."""

    text: str
    passage_ids: frozenset[str]


Application = Callable[[str], Answered]


@dataclass(frozen=True, slots=True)
class Measured:
    """One question under one configuration."""

    usage: Usage
    """Tokens of the very messages that were sent, in the priced model's tokenizer."""
    dollars: Decimal
    exact_match: float
    token_f1: float
    contains: float
    kept_gold: float
    seconds: float


class RecordingLLM:
    """Passes calls to a model and keeps them."""

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self.calls: list[tuple[Sequence[Message], Completion]] = []

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Completion:
        """What the model answers."""
        completion = self._llm.complete(messages, max_tokens=max_tokens, stop=stop)
        self.calls.append((messages, completion))
        return completion


def measure(
    application: Application,
    cases: Iterable[Case],
    *,
    calls: RecordingLLM,
    counter: TokenCounter,
    model: str,
) -> Iterable[Measured]:
    """Ask every question, in order; `calls` is the model inside the application."""
    for case in cases:
        calls.calls.clear()
        started = time.perf_counter()
        answered = application(case.question)
        seconds = time.perf_counter() - started
        usages = [_usage(sent, got, counter) for sent, got in calls.calls]
        yield Measured(
            sum(usages, Usage()),
            sum((price(usage, model, date.today()) for usage in usages), Decimal(0)),
            exact_match(answered.text, case.answers),
            token_f1(answered.text, case.answers),
            contains(answered.text, case.answers),
            float(case.gold_ids <= answered.passage_ids),
            seconds,
        )


def _usage(sent: Sequence[Message], got: Completion, counter: TokenCounter) -> Usage:
    return Usage(sum(counter.count(message.content) for message in sent), counter.count(got.text))


@dataclass(frozen=True, slots=True)
class Summary:
    """Means over the questions of one configuration; shares lie in [0, 1]."""

    questions: int
    prompt_tokens: float
    dollars_per_1000: float
    exact_match: float
    token_f1: float
    contains: float
    kept_gold: float
    seconds: float

    @classmethod
    def of(cls, rows: Sequence[Measured]) -> "Summary":
        """The means of the rows."""
        return cls(
            len(rows),
            fmean(row.usage.input_tokens for row in rows),
            fmean(float(row.dollars) for row in rows) * 1000,
            fmean(row.exact_match for row in rows),
            fmean(row.token_f1 for row in rows),
            fmean(row.contains for row in rows),
            fmean(row.kept_gold for row in rows),
            fmean(row.seconds for row in rows),
        )
