"""The plain application: what is sent, and whose time is whose."""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from ragthrift import InputError, Message, Passage
from ragthrift.testing import ScriptedLLM
from ragthrift_bench import Case
from ragthrift_bench.generations import CachedLLM
from ragthrift_bench.observation import ObservedLLM, observed
from ragthrift_bench.rag import Parts, rag, step_lever

CASE = Case(
    "Where is {context}?",
    (Passage("In {question}.", id="a"), Passage("Elsewhere.", id="b")),
    ("here",),
    frozenset("a"),
    (Message("user", "Hello."), Message("assistant", "Good morning.")),
)
PROMPT = "Read:\n{context}\nQ: {question}"


def observed_llm(answers: object, folder: Path) -> ObservedLLM:
    llm = ScriptedLLM(answers)  # type: ignore[arg-type]
    return ObservedLLM(CachedLLM(lambda: llm, folder, model_name="m"))


def test_braces_in_texts_are_only_text(tmp_path: Path) -> None:
    attempt = rag(Parts(llm=observed_llm("here", tmp_path), prompt=PROMPT))(CASE)
    sent = attempt.calls[0].messages
    assert sent[:2] == CASE.history
    assert sent[2].content == "Read:\nIn {question}.\n\nElsewhere.\nQ: Where is {context}?"
    assert attempt.answer == "here"
    assert attempt.passages == CASE.passages
    assert attempt.lever_seconds < 0.01


def test_without_a_model_the_prompt_is_kept_and_nothing_answered() -> None:
    attempt = rag(Parts(llm=None, prompt=PROMPT))(CASE)
    assert attempt.answer is None
    assert attempt.calls[0].messages[2].content.startswith("Read:")


def test_a_levers_calls_and_seconds_are_its_own(tmp_path: Path) -> None:
    helper = observed_llm("short", tmp_path / "helper")

    def shorten(query: str, passages: Sequence[Passage]) -> list[Passage]:
        time.sleep(0.03)
        said = helper.complete([Message("user", passages[0].text)]).text
        return [passages[0].with_text(said)]

    lever = step_lever(shorten)
    attempt = rag(lever(Parts(llm=observed_llm("here", tmp_path / "llm"), prompt=PROMPT)))(CASE)
    assert [call.by_lever for call in attempt.calls] == [True, False]
    assert attempt.passages == (Passage("short", id="a"),)
    assert 0.03 <= attempt.lever_seconds < 0.3
    assert attempt.seconds >= attempt.lever_seconds


def test_a_kept_answer_takes_the_seconds_that_it_once_took(tmp_path: Path) -> None:
    def slow(messages: object) -> str:
        time.sleep(0.05)
        return "here"

    first = rag(Parts(llm=observed_llm(slow, tmp_path)))(CASE)
    second = rag(Parts(llm=observed_llm([], tmp_path)))(CASE)
    assert second.seconds == first.seconds >= 0.05


def test_a_call_that_nobody_looks_at_is_only_answered(tmp_path: Path) -> None:
    llm = observed_llm("here", tmp_path)
    assert llm.complete([Message("user", "Why?")]).text == "here"
    with observed() as seen:
        llm.complete([Message("user", "Why?")])
    assert len(seen.calls) == 1


def test_a_prompt_without_its_places_is_refused() -> None:
    with pytest.raises(InputError, match=r"\{context\} and \{question\}"):
        Parts(llm=None, prompt="Answer: {question}")
