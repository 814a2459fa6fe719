"""The same interface over a model in this process, and over vLLM's files."""

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from ragthrift import Completion, InputError, Message, Tool, Usage
from ragthrift.batch import BatchProvider, BatchRequest, BatchRunner, LocalBatches, VLLMBatches
from ragthrift.batch.file_lines import read_line
from ragthrift.ledger.sqlite_ledger import SqliteLedger
from ragthrift.testing import ScriptedLLM
from tests.batch.asking import QUICK, asked, questions
from tests.batch.openai_api import _chat, _output


def echo(messages: Sequence[Message]) -> str | Exception:
    question = messages[-1].content
    if question.startswith("bad"):
        return InputError("this model reads no such thing")
    return TimeoutError("slow") if question.startswith("slow") else f"About {question}"


def local(folder: Path, llm: ScriptedLLM) -> BatchRunner:
    provider = LocalBatches(llm, folder / "files", parallel=3, pace=QUICK)
    return BatchRunner(provider, folder / "batches.db", attempts=2)


def test_a_model_in_this_process_answers_each_once(tmp_path: Path) -> None:
    llm = ScriptedLLM(echo)
    with local(tmp_path, llm) as runner, SqliteLedger() as ledger:
        runner.ledger = ledger
        job = runner.submit(asked(*questions(9)))
        assert job.wait(20).states == {"answered": 9}
        texts = {result.completion and result.completion.text for result in job.results().values()}
        calls = list(ledger.calls())
    assert texts == {f"About {name}" for name in questions(9)}
    assert len(llm.calls) == 9
    assert {call.processing for call in calls} == {"standard"}


def test_one_that_fails_does_not_end_the_others(tmp_path: Path) -> None:
    llm = ScriptedLLM(echo)
    with local(tmp_path, llm) as runner:
        job = runner.submit(asked("a", "bad one", "slow one"))
        assert job.wait(20).states == {"answered": 1, "failed": 2}
        results = job.results()
    assert "reads no such thing" in results["bad one"].error
    assert (results["bad one"].attempts, results["slow one"].attempts) == (1, 2)


def test_what_was_answered_before_a_death_is_not_asked_again(tmp_path: Path) -> None:
    class Dying(ScriptedLLM):
        """Stops for good at its fifth question, as a process does that is killed."""

        def complete(
            self,
            messages: Sequence[Message],
            *,
            max_tokens: int | None = None,
            stop: Sequence[str] = (),
        ) -> Completion:
            if len(self.calls) >= 4:
                waiting.set()
                released.wait(20)
            return super().complete(messages, max_tokens=max_tokens, stop=stop)

    waiting, released = threading.Event(), threading.Event()
    first, second = Dying(echo), ScriptedLLM(echo)
    provider = LocalBatches(first, tmp_path / "files", parallel=1, pace=QUICK)
    dead = BatchRunner(provider, tmp_path / "batches.db")
    dead.submit(asked(*questions(9)), job="nightly")
    assert waiting.wait(20)
    (answers,) = (tmp_path / "files").glob("*.answers.jsonl")
    while answers.read_text().count("\n") < 4:
        time.sleep(0.01)
    with answers.open("a") as file:
        file.write('{"custom_id": "half a li')
    with local(tmp_path, second) as runner:
        job = runner.job("nightly")
        assert job.wait(20).states == {"answered": 9}
    assert len(second.calls) == 5
    dead.close()
    released.set()


def test_settings_reach_a_model_that_takes_them(tmp_path: Path) -> None:
    given: list[dict[str, object]] = []

    class Willing:
        def complete(
            self,
            messages: Sequence[Message],
            *,
            max_tokens: int | None = None,
            stop: Sequence[str] = (),
            **settings: object,
        ) -> Completion:
            given.append({"max_tokens": max_tokens, "stop": stop, **settings})
            return Completion("{}", Usage(3, 1), "willing")

    menu = Tool("menu", "Dishes", {"type": "object", "properties": {"day": {}}})
    ask = [Message("user", "soup?")]
    tool = BatchRequest(id="1", messages=ask, tools=[menu], tool_choice="menu", temperature=0.5)
    form = BatchRequest(id="2", messages=ask, schema={"type": "object"}, max_tokens=7, stop=["."])
    with BatchRunner(LocalBatches(Willing(), tmp_path), tmp_path / "batches.db") as runner:
        assert runner.submit([tool, form]).wait(20).done
    settings = sorted(given, key=lambda one: "tools" in one)
    assert settings == [
        {"max_tokens": 7, "stop": (".",), "schema": {"type": "object"}},
        {
            "max_tokens": None,
            "stop": (),
            "temperature": 0.5,
            "tools": [menu],
            "tool_choice": "menu",
        },
    ]


def fake_vllm(requests: Path, answers: Path) -> None:
    """Writes what `vllm run-batch` does: all lines at the end, errors among them."""
    lines = []
    for line in map(json.loads, requests.read_text().splitlines()):
        question = line["body"]["messages"][-1]["content"]
        if question == "too long":
            error = {"message": "too long", "type": "BadRequestError", "code": 400}
            response = {"status_code": 400, "request_id": "vllm-1", "body": None}
            told = {"id": "vllm-1", "custom_id": line["custom_id"], "response": response}
            lines.append(json.dumps({**told, "error": error}))
        else:
            lines.append(_output(line, 200, _chat(line["body"], question)))
    answers.write_text("".join(f"{line}\n" for line in reversed(lines)))


def test_vllm_runs_files_while_the_job_is_polled(tmp_path: Path) -> None:
    provider = VLLMBatches("Qwen/Qwen3-4B", tmp_path / "files", run=fake_vllm, pace=QUICK)
    with BatchRunner(provider, tmp_path / "batches.db") as runner:
        job = runner.submit(asked(*questions(4), "too long"))
        assert job.wait(20).states == {"answered": 4, "failed": 1}
        assert "too long" in job.results()["too long"].error


def test_vllm_files_wait_until_somebody_runs_them(tmp_path: Path) -> None:
    provider = VLLMBatches("Qwen/Qwen3-4B", tmp_path / "files", pace=QUICK)
    with BatchRunner(provider, tmp_path / "batches.db") as runner:
        job = runner.submit(asked(*questions(3)))
        assert job.wait(0.1).states == {"sent": 3}
        (requests,) = (tmp_path / "files").glob("*.requests.jsonl")
        line = json.loads(requests.read_text().splitlines()[0])
        assert (line["method"], line["url"]) == ("POST", "/v1/chat/completions")
        assert line["body"]["model"] == "Qwen/Qwen3-4B"
        fake_vllm(requests, Path(str(requests).replace("requests", "answers")))
        assert job.wait(20).states == {"answered": 3}


@pytest.mark.parametrize("kind", ["local", "vllm"])
def test_cancelling_ends_what_was_not_begun(tmp_path: Path, kind: str) -> None:
    gate = threading.Event()

    def slowly(messages: Sequence[Message]) -> str:
        gate.wait(20)
        return "late"

    provider: BatchProvider = VLLMBatches("m", tmp_path / "files", pace=QUICK)
    if kind == "local":
        llm = ScriptedLLM(slowly)
        provider = LocalBatches(llm, tmp_path / "files", parallel=1, pace=QUICK)
    with BatchRunner(provider, tmp_path / "batches.db") as runner:
        job = runner.submit(asked(*questions(3)))
        job.cancel()
        gate.set()
        progress = job.wait(20)
    assert progress.done
    assert progress.states["cancelled"] >= 2


def test_a_line_that_cannot_be_read_is_no_answer() -> None:
    assert read_line("{") is None
    assert read_line('{"no": "id"}') is None
    broken = '{"custom_id": "a", "response": {"status_code": 200, "body": {"choices": []}}}'
    line = read_line(broken)
    assert line is not None
    assert "cannot be read" in line.error
