"""Chains, engines and agents of users, run as they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache

from ragthrift import InputError, Message, Passage
from ragthrift_bench import Case
from ragthrift_bench.attempts import Attempt, Call
from ragthrift_bench.benchmark import Benchmark
from ragthrift_bench.pipelines import application
from ragthrift_bench.plans import Levers, own_configurations
from ragthrift_bench.results import Results
from tests.bench import own_pipelines
from tests.bench.made_up import PRICING

HERE = "tests.bench.own_pipelines"
GOLD = "The canteen opens at 11:30."
CASE = Case(
    "When does the canteen open?",
    tuple(Passage(text, id=text) for text in own_pipelines.TEXTS),
    ("11:30", "At 11:30."),
    frozenset({GOLD}),
    (Message("user", "Hello."), Message("assistant", "Good morning.")),
)
LANGCHAIN = [
    own_pipelines.chain,
    own_pipelines.chain_of_an_object,
    own_pipelines.chain_that_returns_all,
    own_pipelines.retrieval_chain,
    own_pipelines.chain_without_retrieval,
    own_pipelines.function_of_the_question,
    own_pipelines.agent,
]
LLAMA_INDEX = [
    own_pipelines.query_engine,
    own_pipelines.streaming_engine,
    own_pipelines.chat_engine,
    own_pipelines.llama_agent,
]


@pytest.mark.parametrize("build", LANGCHAIN)
def test_a_langchain_application_is_asked_in_its_own_way(build: Callable[[], object]) -> None:
    attempt = application(build())(CASE)
    assert attempt.answer == "At 11:30."
    (call,) = attempt.calls
    assert call.model == "clock-1"
    assert call.text == "At 11:30."
    assert call.reported is not None
    assert call.reported.input_tokens > 0
    assert "11:30" in "".join(message.content for message in call.messages)
    assert attempt.seconds >= call.seconds > 0


@pytest.mark.parametrize("build", LLAMA_INDEX)
def test_a_llama_index_application_is_asked_in_its_own_way(build: Callable[[], object]) -> None:
    attempt = application(build())(CASE)
    assert attempt.answer == "At 11:30."
    (call,) = attempt.calls
    assert call.text.endswith("At 11:30.")
    assert CASE.question in "".join(message.content for message in call.messages)
    assert call.seconds > 0


def test_an_agent_gets_the_earlier_turns() -> None:
    attempt = application(own_pipelines.agent())(CASE)
    assert [turn.role for turn in attempt.calls[0].messages] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    chatted = application(own_pipelines.chat_engine())(CASE)
    assert "Good morning." in [turn.content for turn in chatted.calls[0].messages]


def test_every_call_of_one_question_counts_once() -> None:
    attempt = application(own_pipelines.tree_engine())(CASE)
    assert len(attempt.calls) == 4


def test_an_answer_from_langchains_cache_is_no_call() -> None:
    model = own_pipelines.chat_model()
    model.cache = InMemoryCache()
    build = own_pipelines.prompt | model
    case = Case("Twice?", CASE.passages, ("11:30",), frozenset())
    ask = application(lambda question: build.invoke({"context": "", "question": question}).text)
    assert len(ask(case).calls) == 1
    with pytest.raises(InputError, match="without a call"):
        ask(case)


def test_a_function_may_say_everything_itself() -> None:
    said = Attempt("At 11:30.", (Call((Message("user", "?"),), "At 11:30.", "own"),))
    assert application(lambda question: said)(CASE) is said


@pytest.mark.parametrize(
    ("built", "told"),
    [
        (own_pipelines.no_model(), "without a call of a LangChain or LlamaIndex model"),
        (own_pipelines.a_number_for_an_answer(), "answered with a int"),
    ],
)
def test_an_answer_that_cannot_be_priced_or_read_is_an_error(built: object, told: str) -> None:
    with pytest.raises(InputError, match=told):
        application(built)(CASE)


def test_what_is_no_pipeline_is_refused() -> None:
    with pytest.raises(InputError, match="built a int"):
        application(own_pipelines.a_number())


def test_a_chain_whose_inputs_have_other_names_says_so() -> None:
    from langchain_core.prompts import PromptTemplate

    odd = PromptTemplate.from_template("{topic}") | own_pipelines.chat_model()
    with pytest.raises(InputError, match="takes topic, and none of these is the question"):
        application(odd)(CASE)


def results(specs: list[str], folder: Path, levers: list[str] | None = None) -> Results:
    cases = [
        CASE,
        Case("When is payday?", CASE.passages, ("25th",), frozenset({"Payday is the 25th."})),
    ]
    configurations = own_configurations(specs, Levers.of(levers or [f"{HERE}:best_first"]))
    return Benchmark(
        cases=cases, configurations=configurations, pricing=PRICING, folder=folder
    ).run()


def test_two_pipelines_are_compared(tmp_path: Path) -> None:
    found = results([f"before={HERE}:chain", f"after={HERE}:short_chain"], tmp_path)
    assert [outcome.name for outcome in found.outcomes] == ["before", "after"]
    assert found.outcomes[1].usage.input_tokens < found.baseline.usage.input_tokens
    assert found.answered_by == "clock-1"
    assert found.baseline.mean("gold_kept") == 1


@pytest.mark.parametrize("build", ["with_steps", "engine_with_steps"])
def test_one_pipeline_that_takes_steps_is_tried_with_every_lever(
    build: str, tmp_path: Path
) -> None:
    found = results([f"{HERE}:{build}"], tmp_path)
    assert [outcome.name for outcome in found.outcomes] == ["baseline", "best_first"]
    with_lever = found.outcomes[1]
    assert with_lever.usage.input_tokens < found.baseline.usage.input_tokens
    assert with_lever.levers == ("best_first",)
    assert all(row.lever_seconds > 0 for row in with_lever.rows)
    assert with_lever.rows[0].answer == "At 11:30."


def test_a_second_run_of_a_pipeline_asks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = results([f"{HERE}:query_engine"], tmp_path)
    monkeypatch.setattr(own_pipelines, "TEXTS", ())
    assert results([f"{HERE}:query_engine"], tmp_path) == first


OWN = """
from langchain_core.language_models import FakeListChatModel
from rules import LIMIT

def build():
    return FakeListChatModel(responses=["%s"])
"""


def test_code_that_changed_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    def answers(own: str, rules: str) -> Any:
        for name in ("app_that_changes", "rules"):
            sys.modules.pop(name, None)
        (tmp_path / "app_that_changes.py").write_text(OWN % own)
        (tmp_path / "rules.py").write_text(f"LIMIT = {rules}")
        (configuration,) = own_configurations(["app_that_changes:build"], Levers.of([]))
        return configuration.key

    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    first = answers("one", "1000")
    assert answers("one", "1000") == first
    assert answers("two", "1000") != first
    assert answers("one", "2000") != first


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("chain", "package.module:function"),
        ("no_such_module:chain", "no module 'no_such_module'"),
        (f"{HERE}:no_such_function", "has no function 'no_such_function'"),
        (f"{HERE}:needs_more", "needs steps, index"),
    ],
)
def test_a_name_that_leads_nowhere_is_told(spec: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        own_configurations([spec], Levers.of([]))
