"""Many prompts at once: nothing lost, nothing asked twice."""

import threading
from pathlib import Path

import pytest

from ragthrift import Completion, ContextOverflowError, Message, TokenLogprob, ToolCall, Usage
from ragthrift.local.batch_run import run_batch
from ragthrift.local.model import LocalModel
from tests.local.scripted import ScriptedRuntime, scripted

PROMPTS = [[Message("user", f"Question {n}?")] for n in range(12)]


def test_outcomes_are_in_order_and_progress_is_told() -> None:
    model, runtime = scripted("Yes.")
    runtime.parallel = 4
    told: list[tuple[int, int]] = []
    outcomes = run_batch(
        model, PROMPTS, max_tokens=5, on_progress=lambda *done: told.append(done), seed=3
    )
    assert [outcome.completion for outcome in outcomes] == [
        Completion("Yes.", Usage(2, 2), "scripted")
    ] * 12
    assert told == [(n, 12) for n in range(1, 13)]
    assert {request.sampling.seed for request in runtime.asked} == {3}


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    journal = tmp_path / "answers.jsonl"
    model, runtime = scripted("Yes.")

    def interrupt(done: int, _: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_batch(model, PROMPTS, journal=journal, on_progress=interrupt)
    kept = len(journal.read_text().splitlines())
    with journal.open("a") as torn:
        torn.write('{"key": "half of a li')
    asked = len(runtime.asked)
    outcomes = run_batch(model, PROMPTS, journal=journal)
    assert kept == 5
    assert len(runtime.asked) - asked == 7
    assert all(outcome.completion for outcome in outcomes)
    assert run_batch(model, PROMPTS, journal=journal) == outcomes
    assert len(runtime.asked) - asked == 7
    run_batch(model, PROMPTS, journal=journal, max_tokens=3)  # another question to the model
    assert len(runtime.asked) - asked == 19


def test_equal_prompts_are_asked_once() -> None:
    model, runtime = scripted("Yes.")
    told: list[int] = []
    outcomes = run_batch(model, PROMPTS[:1] * 5, on_progress=lambda done, _: told.append(done))
    assert (len(runtime.asked), len(outcomes), told) == (1, 5, [5])


class Narrow(ScriptedRuntime):
    """Overflows at one question."""

    def count_prompt(self, request: object) -> int:
        if "Question 3?" in str(request):
            raise ContextOverflowError(9000, 2048)
        return 1

    window = 2048


def test_one_that_fails_does_not_end_the_others_and_is_asked_again(tmp_path: Path) -> None:
    journal = tmp_path / "answers.jsonl"
    outcomes = run_batch(LocalModel(Narrow("Yes.")), PROMPTS, journal=journal)
    assert [n for n, outcome in enumerate(outcomes) if outcome.completion is None] == [3]
    assert outcomes[3].error.startswith("ContextOverflowError: ")
    model, runtime = scripted("Now, yes.")
    again = run_batch(model, PROMPTS, journal=journal)
    assert (len(runtime.asked), again[3].completion is not None) == (1, True)


def test_calls_and_logprobs_are_kept_whole(tmp_path: Path) -> None:
    said = Completion(
        "",
        Usage(3, 2, 1),
        "scripted",
        "tool_calls",
        (ToolCall("a", "menu", '{"day": 1}'),),
        (TokenLogprob("x", -0.5, (("x", -0.5), ("y", -1.5))),),
    )
    model, _ = scripted(said)
    first = run_batch(model, PROMPTS[:1], journal=tmp_path / "j")
    assert run_batch(model, PROMPTS[:1], journal=tmp_path / "j") == first
    assert first[0].completion == said


def test_as_many_run_at_once_as_there_are_slots() -> None:
    meeting = threading.Barrier(3, timeout=20)

    class Meeting(ScriptedRuntime):
        parallel = 3

        def count(self, text: str) -> int:
            meeting.wait()
            return 1

    assert all(outcome.completion for outcome in run_batch(LocalModel(Meeting()), PROMPTS[:3]))
