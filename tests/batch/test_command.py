import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ragthrift.batch import BatchRunner, LocalBatches
from ragthrift.batch.command import batch
from ragthrift.ledger.sqlite_ledger import SqliteLedger
from ragthrift.testing import ScriptedLLM
from tests.batch.asking import asked, questions, runner_for
from tests.batch.loopback import KEY, Loopback

COMMAND = CliRunner()


def run(store: Path, *arguments: str) -> tuple[int, str]:
    done = COMMAND.invoke(batch, [*arguments, "--store", str(store)])
    return done.exit_code, done.output


@pytest.fixture
def store(server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, KEY)
    with runner_for(server, tmp_path) as runner:
        runner.submit(asked(*questions(3)), job="nightly")
    return tmp_path / "batches.db"


def test_a_job_is_taken_up_by_its_file(store: Path) -> None:
    assert run(store, "list") == (0, "nightly: 3 sent\n")
    while "3 answered" not in run(store, "status", "nightly")[1]:
        pass
    ledger = store.parent / "calls.db"
    code, told = run(store, "resume", "nightly", "--ledger", str(ledger))
    assert (code, "3 answered" in told) == (0, True)
    lines = [json.loads(line) for line in run(store, "results", "nightly")[1].splitlines()]
    assert [line["id"] for line in lines] == list(questions(3))
    assert lines[0]["completion"]["text"] == "About question 0"
    with SqliteLedger(ledger) as kept:
        assert len(list(kept.calls())) == 3


def test_a_job_is_cancelled(store: Path) -> None:
    assert run(store, "cancel", "nightly")[0] == 0
    code, told = run(store, "resume", "nightly", "--timeout", "0")
    assert code in (0, 3)
    assert "requests" in told


def test_what_cannot_be_done_is_told_in_one_line(tmp_path: Path, store: Path) -> None:
    assert run(tmp_path / "none.db", "list")[0] == 2
    code, told = run(store, "status", "weekly")
    assert (code, "it holds: nightly" in told) == (2, True)
    provider = LocalBatches(ScriptedLLM("Yes."), tmp_path / "files")
    with BatchRunner(provider, store) as runner:
        runner.submit(asked("soup?"), job="local").wait(20)
    code, told = run(store, "status", "local")
    assert (code, "take it up in Python" in told) == (2, True)
    assert '"text": "Yes."' in run(store, "results", "local")[1]
