"""A process that is killed at any point and run again loses nothing and repeats nothing."""

import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ragthrift.batch import BatchRunner
from ragthrift.ledger.sqlite_ledger import SqliteLedger
from tests.batch.anthropic_api import AnthropicApi
from tests.batch.asking import Api
from tests.batch.child import QUESTIONS, provider
from tests.batch.loopback import Fault, Loopback
from tests.batch.openai_api import OpenAIApi

ROOT = Path(__file__).resolve().parents[2]
KINDS: dict[type[Api], str] = {OpenAIApi: "openai", AnthropicApi: "anthropic"}

STEPS = {
    "before anything": Fault("(GET|POST) .*", drop="before"),
    "at the upload": Fault("POST /v1/files", drop="before"),
    "when the upload was taken": Fault("POST /v1/files", drop="after"),
    "at the submission": Fault("POST .*/batches", drop="before"),
    "when the submission was taken": Fault("POST .*/batches", drop="after"),
    "when the third submission was taken": Fault("POST .*/batches", drop="after", after_calls=2),
    "while it asks": Fault(r"GET .*/batches/\w+", after_calls=4),
    "while it fetches": Fault("GET .*/(results|content)", drop="half"),
    "when the second results were sent": Fault("GET .*/(results|content)", after_calls=1),
}


def start(server: Loopback, folder: Path, deadly: int = 0) -> "subprocess.Popen[bytes]":
    assert isinstance(server.api, Api)
    given = [KINDS[type(server.api)], server.address, str(folder), str(deadly)]
    return subprocess.Popen([sys.executable, "-m", "tests.batch.child", *given], cwd=ROOT)


def check(server: Loopback, folder: Path) -> None:
    """Each question was run once, has its answer, and is in the ledger once."""
    api = server.api
    assert isinstance(api, Api)
    assert dict(api.ran) == dict.fromkeys(QUESTIONS, 1)
    assert len(api.batches) == 3
    with BatchRunner(provider(KINDS[type(api)], server.address), folder / "batches.db") as runner:
        results = runner.job("nightly").results()
    told = {name: result.completion and result.completion.text for name, result in results.items()}
    assert told == {name: f"About {name}" for name in QUESTIONS}
    with SqliteLedger(folder / "calls.db") as ledger:
        calls = list(ledger.calls())
    assert len(calls) == len({call.id for call in calls}) == len(QUESTIONS)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_and_run_again(server: Loopback, tmp_path: Path, step: str) -> None:
    if "upload" in step and isinstance(server.api, AnthropicApi):
        pytest.skip("Anthropic's batches hold their requests: there is no upload")
    fault = replace(STEPS[step])
    server.faults.append(fault)
    child = start(server, tmp_path)
    fault.then = child.kill
    assert child.wait(60) == -signal.SIGKILL
    assert fault.times == 0
    assert start(server, tmp_path).wait(60) == 0
    check(server, tmp_path)


@pytest.mark.parametrize("deadly", [1, 4, 12])
def test_killed_while_it_books(server: Loopback, tmp_path: Path, deadly: int) -> None:
    assert start(server, tmp_path, deadly).wait(60) == -signal.SIGKILL
    assert start(server, tmp_path).wait(60) == 0
    check(server, tmp_path)


def test_killed_again_and_again(server: Loopback, tmp_path: Path) -> None:
    chance, deaths = random.Random(4), 0
    for _ in range(12):
        child = start(server, tmp_path)
        try:
            child.wait(0.3 + chance.random() * 0.5)
            break
        except subprocess.TimeoutExpired:
            child.kill()
            deaths += child.wait(60) == -signal.SIGKILL
    assert start(server, tmp_path).wait(60) == 0
    assert deaths
    check(server, tmp_path)


def test_two_processes_at_once_share_the_work(server: Loopback, tmp_path: Path) -> None:
    both = [start(server, tmp_path) for _ in range(2)]
    assert [child.wait(60) for child in both] == [0, 0]
    check(server, tmp_path)
