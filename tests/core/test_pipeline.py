"""The pipeline: what it runs, what it records, and what it does when a step fails."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import cast

import pytest

from ragthrift import ContractError, InputError, Passage, Pipeline, Run, Savings
from ragthrift.pipeline import as_step
from ragthrift.protocols import Compressor, Step
from ragthrift.testing import (
    FailingStep,
    FakeEmbedder,
    KeepFirstSentence,
    ScriptedLLM,
    WordOverlapReranker,
)
from ragthrift.tokens import OpenAITokens

QUERY = "When does the canteen open?"
PASSAGES = [
    Passage("The lift holds eight people. It is red.", id="lift"),
    Passage("The canteen opens at nine. It closes at three.", id="canteen", score=0.1),
    Passage("Bicycles are kept in the cellar.", id="bicycles", metadata={"page": 9}),
]


def first_two(query: str, passages: Sequence[Passage]) -> Sequence[Passage]:
    return passages[:2]


def invent(query: str, passages: Sequence[Passage]) -> Sequence[Passage]:
    return [*passages, Passage("a summary of all")]


class CharacterCount:
    exact = True

    def count(self, text: str) -> int:
        return len(text)


def ids(passages: Sequence[Passage]) -> list[str]:
    return [passage.id for passage in passages]


def names(run: Run) -> list[str]:
    return [record.name for record in run.records]


def test_steps_run_in_order() -> None:
    pipeline = Pipeline([WordOverlapReranker(top_k=2), KeepFirstSentence()])
    assert [(p.id, p.text) for p in pipeline(QUERY, PASSAGES)] == [
        ("canteen", "The canteen opens at nine."),
        ("lift", "The lift holds eight people."),
    ]


def test_every_step_is_recorded() -> None:
    pipeline = Pipeline([first_two, KeepFirstSentence()], token_counter=CharacterCount())
    run = pipeline.run(QUERY, PASSAGES)
    total = sum(len(passage.text) for passage in PASSAGES)
    two = sum(len(passage.text) for passage in PASSAGES[:2])
    short = len("The lift holds eight people.") + len("The canteen opens at nine.")
    assert names(run) == ["first_two", "KeepFirstSentence"]
    assert [record.passages for record in run.records] == [Savings(3, 2), Savings(2, 2)]
    assert [record.tokens for record in run.records] == [Savings(total, two), Savings(two, short)]
    assert run.tokens == Savings(total, short)
    assert all(record.error is None and record.seconds >= 0 for record in run.records)
    assert run.query == QUERY


@pytest.mark.parametrize("counter", [None, CharacterCount(), OpenAITokens()])
def test_records_say_whether_tokens_are_exact(counter: OpenAITokens | CharacterCount) -> None:
    run = Pipeline([first_two], token_counter=counter).run(QUERY, PASSAGES)
    assert run.records[0].exact is (counter is not None)


def test_seconds_are_those_of_the_step() -> None:
    import time

    def slow(query: str, passages: Sequence[Passage]) -> Sequence[Passage]:
        time.sleep(0.03)
        return passages

    run = Pipeline([first_two, slow]).run(QUERY, PASSAGES)
    assert run.records[1].seconds >= 0.03 > run.records[0].seconds


def test_a_pipeline_without_steps_hands_everything_on() -> None:
    run = Pipeline([]).run(QUERY, PASSAGES)
    assert (run.passages, run.records, run.tokens) == (tuple(PASSAGES), (), Savings(0, 0))


def test_nothing_to_run_on_runs_no_step() -> None:
    runs: list[Run] = []
    pipeline = Pipeline([FailingStep()], on_error="raise", on_run=runs.append)
    assert pipeline(QUERY, []) == []
    assert runs == [Run(QUERY, (), ())]


def test_steps_after_one_that_drops_everything_get_nothing() -> None:
    run = Pipeline([lambda query, passages: [], first_two]).run(QUERY, PASSAGES)
    assert [record.passages for record in run.records] == [Savings(3, 0), Savings(0, 0)]


def test_the_callers_list_stays_as_it_was() -> None:
    def clear(query: str, passages: Sequence[Passage]) -> Sequence[Passage]:
        cast(list[Passage], passages).clear()
        return []

    given = list(PASSAGES)
    assert Pipeline([clear])(QUERY, given) == PASSAGES
    assert given == PASSAGES


def test_a_failing_step_is_passed_over_unharmed() -> None:
    failing = FailingStep(TimeoutError("no answer"))
    run = Pipeline([first_two, failing, KeepFirstSentence()]).run(QUERY, PASSAGES)
    assert ids(run.passages) == ["lift", "canteen"]
    record = run.records[1]
    assert record.error == "TimeoutError: no answer"
    assert record.passages == Savings(2, 2)
    assert record.tokens.saved == 0
    assert run.records[2].tokens.saved > 0


def test_a_failure_is_counted_always_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = Pipeline([FailingStep(TimeoutError("no answer"))])
    assert pipeline.failures == {}
    with caplog.at_level(logging.WARNING, logger="ragthrift"):
        for _ in range(3):
            pipeline(QUERY, PASSAGES)
    assert pipeline.failures == {"FailingStep": 3}
    assert len(caplog.records) == 1
    logged = caplog.records[0]
    assert "FailingStep failed and was passed over" in logged.getMessage()
    assert logged.exc_info is not None
    assert isinstance(logged.exc_info[1], TimeoutError)


def test_failures_cannot_be_changed_from_outside() -> None:
    pipeline = Pipeline([FailingStep()])
    pipeline(QUERY, PASSAGES)
    pipeline.failures.clear()
    assert pipeline.failures == {"FailingStep": 1}


def test_steps_of_one_name_are_told_apart(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = Pipeline([FailingStep(), first_two, FailingStep()])
    run = pipeline.run(QUERY, PASSAGES)
    assert names(run) == ["FailingStep", "first_two", "FailingStep 2"]
    assert pipeline.failures == {"FailingStep": 1, "FailingStep 2": 1}
    assert len(caplog.records) == 2


def test_a_failure_can_be_let_through() -> None:
    pipeline = Pipeline([FailingStep(TimeoutError("no answer"))], on_error="raise")
    with pytest.raises(TimeoutError, match="no answer"):
        pipeline(QUERY, PASSAGES)
    assert pipeline.failures == {}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), GeneratorExit()])
def test_what_ends_a_program_goes_through(error: BaseException) -> None:
    with pytest.raises(type(error)):
        Pipeline([FailingStep(error)])(QUERY, PASSAGES)


def test_another_policy_is_refused() -> None:
    with pytest.raises(InputError, match="'pass' or 'raise'"):
        Pipeline([], on_error="ignore")  # type: ignore[arg-type]


def rename(query: str, passages: Sequence[Passage]) -> Sequence[Passage]:
    return [Passage(passage.text) for passage in passages]


def repeat(query: str, passages: Sequence[Passage]) -> Sequence[Passage]:
    return [*passages, passages[0]]


def texts(query: str, passages: Sequence[Passage]) -> Sequence[Passage]:
    return cast(list[Passage], [passage.text for passage in passages])


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (invent, "invent returned passages it was not given"),
        (rename, "rename returned passages it was not given"),
        (repeat, r"repeat returned passages it was not given: \['lift'\]"),
        (texts, "texts returned a str, not a Passage"),
    ],
)
def test_a_step_that_breaks_its_contract_fails(step: Step, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        Pipeline([step], on_error="raise")(QUERY, PASSAGES)
    run = Pipeline([step]).run(QUERY, PASSAGES)
    assert run.passages == tuple(PASSAGES)
    assert (run.records[0].error or "").startswith("ContractError: ")


def test_a_step_that_returns_nothing_fails() -> None:
    run = Pipeline([cast(Step, lambda query, passages: None)]).run(QUERY, PASSAGES)
    assert run.passages == tuple(PASSAGES)
    assert run.records[0].error is not None


def test_passages_with_one_id_may_all_come_back_but_no_more_of_them() -> None:
    twins = [Passage("same"), Passage("same")]
    assert len(Pipeline([first_two], on_error="raise")("", twins)) == 2
    with pytest.raises(ContractError):
        Pipeline([repeat], on_error="raise")("", twins)


def test_a_step_may_yield() -> None:
    def some(query: str, passages: Sequence[Passage]) -> Iterator[Passage]:
        for passage in passages:
            if passage.id != "lift":
                yield passage

    run = Pipeline([cast(Step, some)], on_error="raise").run(QUERY, PASSAGES)
    assert ids(run.passages) == ["canteen", "bicycles"]


def test_a_step_that_fails_while_yielding_is_passed_over() -> None:
    def some(query: str, passages: Sequence[Passage]) -> Iterator[Passage]:
        yield passages[0]
        raise TimeoutError("no answer")

    run = Pipeline([cast(Step, some)]).run(QUERY, PASSAGES)
    assert run.passages == tuple(PASSAGES)
    assert run.records[0].error == "TimeoutError: no answer"


class Steps:
    def __call__(self, query: str, passages: Sequence[Passage]) -> Sequence[Passage]:
        return passages

    def method(self, query: str, passages: Sequence[Passage]) -> Sequence[Passage]:
        return passages

    @classmethod
    def of_class(cls, query: str, passages: Sequence[Passage]) -> Sequence[Passage]:
        return passages


@pytest.mark.parametrize(
    ("step", "name"),
    [
        (first_two, "first_two"),
        (lambda query, passages: passages, "<lambda>"),
        (WordOverlapReranker(), "WordOverlapReranker"),
        (WordOverlapReranker().rank, "WordOverlapReranker"),
        (KeepFirstSentence(), "KeepFirstSentence"),
        (KeepFirstSentence().compress, "KeepFirstSentence"),
        (Steps(), "Steps"),
        (Steps().method, "Steps"),
        (Steps.of_class, "Steps"),
        (partial(first_two), "partial"),
        (Pipeline([]), "Pipeline"),
    ],
)
def test_steps_are_named_by_what_they_are(step: Step, name: str) -> None:
    assert names(Pipeline([step]).run(QUERY, PASSAGES)) == [name]


@pytest.mark.parametrize("part", [3, "rank", None, FakeEmbedder(), ScriptedLLM("Hello")])
def test_what_is_not_a_step_is_refused_at_once(part: object) -> None:
    with pytest.raises(InputError, match=r"is not a step: it needs rank\(query, passages\)"):
        Pipeline([cast(Step, part)])


@pytest.mark.parametrize("part", [WordOverlapReranker, KeepFirstSentence, Steps])
def test_a_class_in_place_of_a_step_is_refused_at_once(part: type) -> None:
    with pytest.raises(InputError, match=rf"make one: {part.__name__}\(\)"):
        as_step(cast(Step, part))


def test_a_pipeline_is_a_step() -> None:
    inner = Pipeline([KeepFirstSentence(), FailingStep()])
    run = Pipeline([first_two, inner], token_counter=CharacterCount()).run(QUERY, PASSAGES)
    assert names(run) == ["first_two", "Pipeline"]
    assert [passage.text for passage in run.passages] == [
        "The lift holds eight people.",
        "The canteen opens at nine.",
    ]
    assert run.records[1].tokens.saved > 0
    assert run.records[1].error is None
    assert inner.failures == {"FailingStep": 1}


def test_a_failure_that_an_inner_pipeline_lets_through_is_passed_over() -> None:
    inner = Pipeline([first_two, FailingStep()], on_error="raise")
    run = Pipeline([inner]).run(QUERY, PASSAGES)
    assert run.passages == tuple(PASSAGES)
    assert run.records[0].error is not None


def test_steps_may_be_given_as_an_iterator() -> None:
    steps: list[Step | Compressor] = [first_two, KeepFirstSentence()]
    pipeline = Pipeline(iter(steps))
    assert names(pipeline.run(QUERY, PASSAGES)) == names(pipeline.run(QUERY, PASSAGES))


def test_every_run_is_told() -> None:
    told: list[Run] = []
    pipeline = Pipeline([first_two], on_run=told.append)
    run = pipeline.run(QUERY, PASSAGES)
    pipeline(QUERY, PASSAGES[:1])
    assert told[0] is run
    assert ids(told[1].passages) == ["lift"]


def fail_to_listen(run: Run) -> None:
    raise ConnectionError("the ledger is away")


def test_a_listener_that_fails_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = Pipeline([first_two], on_run=fail_to_listen)
    assert ids(pipeline(QUERY, PASSAGES)) == ["lift", "canteen"]
    assert ids(pipeline(QUERY, PASSAGES)) == ["lift", "canteen"]
    assert pipeline.failures == {"on_run": 2}
    assert len(caplog.records) == 1


def test_a_listener_that_fails_can_be_let_through() -> None:
    with pytest.raises(ConnectionError):
        Pipeline([first_two], on_error="raise", on_run=fail_to_listen)(QUERY, PASSAGES)


def test_runs_of_many_threads_are_counted_and_kept_apart() -> None:
    told: list[Run] = []
    pipeline = Pipeline(
        [FailingStep(), WordOverlapReranker(top_k=1), KeepFirstSentence()], on_run=told.append
    )

    def run(place: int) -> bool:
        passage = PASSAGES[place % 3]
        others = [p for p in PASSAGES if p is not passage]
        return ids(pipeline(passage.text, [*others, passage])) == [passage.id]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(400)))
    assert pipeline.failures == {"FailingStep": 400}
    assert len(told) == 400


@pytest.mark.parametrize("make", [list, tuple, iter])
def test_passages_may_come_as_any_iterable(
    make: Callable[[Sequence[Passage]], Sequence[Passage]],
) -> None:
    assert Pipeline([first_two])(QUERY, make(PASSAGES)) == PASSAGES[:2]


class BrokenCounter:
    exact = True

    def count(self, text: str) -> int:
        raise RuntimeError("no tokenizer today")


def test_a_broken_token_counter_is_replaced_by_an_estimate() -> None:
    pipeline = Pipeline([lambda query, passages: passages[:1]], token_counter=BrokenCounter())
    run = pipeline.run("?", [Passage("one two three"), Passage("four")])
    assert len(run.passages) == 1
    assert pipeline.failures == {"token_counter": 1}
    assert (run.records[0].exact, run.records[0].tokens.before > 0) == (False, True)


def test_a_broken_token_counter_raises_when_asked_to() -> None:
    pipeline = Pipeline([], token_counter=BrokenCounter(), on_error="raise")
    with pytest.raises(RuntimeError, match="no tokenizer"):
        pipeline.run("?", [Passage("one")])
