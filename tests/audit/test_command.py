"""`ragthrift audit`, as a user and a build call it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ragthrift import InputError
from ragthrift.audit import audit
from ragthrift.audit.demo import demo_calls
from ragthrift.audit.limits import Limit
from ragthrift.cli import application
from ragthrift.ledger.jsonl_ledger import JsonlLedger
from ragthrift.ledger.sqlite_ledger import SqliteLedger


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application(), ["audit", *arguments])


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ledger") / "calls.jsonl"
    with JsonlLedger(path) as kept:
        for call in demo_calls(300):
            kept.record(call)
    return path


def test_the_demo_needs_nothing_and_says_that_it_is_made_up(tmp_path: Path) -> None:
    page = tmp_path / "demo.html"
    done = run("--demo", "--html", str(page))
    assert done.exit_code == 0, done.output
    assert "synthetic" in done.output
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_a_ledger_of_lines_and_one_in_a_database_say_the_same(ledger: Path, tmp_path: Path) -> None:
    with SqliteLedger(tmp_path / "calls.db") as kept:
        for call in demo_calls(300):
            kept.record(call)
    lines = json.loads(run(str(ledger), "--json").stdout)
    table = json.loads(run(str(tmp_path / "calls.db"), "--json").stdout)
    assert lines == table
    assert lines["coverage"]["calls"] == 300


def test_markdown(ledger: Path) -> None:
    done = run(str(ledger), "--output", "markdown")
    assert done.stdout.startswith("# Of $")


def test_own_prices(ledger: Path, tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('[models."house-8b-instruct"]\ninput = 0.2\noutput = 0.6\n')
    told = json.loads(run(str(ledger), "--json", "--prices", str(prices)).stdout)
    assert told["coverage"]["unpriced_models"] == []


def test_a_build_fails_beyond_a_limit(ledger: Path) -> None:
    beyond = run(str(ledger), "--json", "--fail-on", "dollars_per_call>0.001")
    assert beyond.exit_code == 1
    assert "dollars_per_call is 0.0" in beyond.stderr
    within = run(str(ledger), "--json", "--fail-on", "faq: output_p95 > 100000")
    assert within.exit_code == 0, within.output


@pytest.mark.parametrize(
    "arguments",
    [(), ("--demo", "calls.jsonl"), ("nowhere.jsonl",), ("--demo", "--fail-on", "cost=3")],
)
def test_mistakes_are_told_in_a_line(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("ragthrift: ")
    assert "Traceback" not in done.output


def test_a_broken_line_is_counted(ledger: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text(ledger.read_text() + '{"half": \n')
    done = run(str(broken), "--json")
    assert done.exit_code == 0
    assert "malformed" in done.stderr


def test_limits() -> None:
    found = audit(demo_calls(200))
    assert Limit.read("dollars>1e9").broken(found) == ""
    assert "is not known" in Limit.read("router: dollars_per_call>1").broken(found)
    assert Limit.read("priced_share<1").broken(found)
    with pytest.raises(InputError, match="write it as"):
        Limit.read("dollars over 3")
    with pytest.raises(InputError, match="no figure"):
        Limit.read("speed>3")
    with pytest.raises(InputError, match="no calls of the type"):
        Limit.read("nobody: calls>3").broken(found)
