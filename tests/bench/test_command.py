"""`ragthrift bench` as a user types it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ragthrift.cli import application
from ragthrift_bench.results import Results
from tests.bench.test_own_pipelines import CASE, HERE


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGTHRIFT_CACHE", str(tmp_path / "cache"))


def bench(*arguments: object) -> Result:
    return CliRunner().invoke(application(), ["bench", *map(str, arguments)])


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    row = {
        "question": CASE.question,
        "answers": list(CASE.answers),
        "passages": [{"id": passage.id, "text": passage.text} for passage in CASE.passages],
        "gold_ids": list(CASE.gold_ids),
    }
    other = {**row, "question": "When does the canteen open on Monday?"}
    file = tmp_path / "questions.jsonl"
    file.write_text(f"{json.dumps(row)}\n{json.dumps(other)}\n")
    return file


def test_a_run_writes_results_and_reports_and_a_second_one_the_same_bytes(tmp_path: Path) -> None:
    asked = ("run", "--limit", 6, "--llm", "none", "--out")
    first = bench(*asked, tmp_path / "first")
    assert first.exit_code == 0, first.output
    assert "**rerank**: " in first.stdout
    assert "6 questions of demo" in first.stdout
    assert bench(*asked, tmp_path / "second").exit_code == 0
    for name in ("results.json", "report.md", "report.html"):
        ours, theirs = (tmp_path / folder / name for folder in ("first", "second"))
        assert ours.read_bytes() == theirs.read_bytes(), name
    results = Results.read(tmp_path / "first" / "results.json")
    assert [outcome.name for outcome in results.outcomes][:2] == ["baseline", "rerank"]
    assert results.metric == "answer_kept"
    assert results.outcomes[1].usage.input_tokens < 0.6 * results.baseline.usage.input_tokens


def test_own_questions_own_chain_own_lever(tmp_path: Path, questions: Path) -> None:
    found = bench(
        *("run", "--data", questions, "--pipeline", f"{HERE}:with_steps"),
        *("--lever", f"{HERE}:best_first", "--lever", "rerank", "--out", tmp_path / "out"),
    )
    assert found.exit_code == 0, found.output
    results = Results.read(tmp_path / "out" / "results.json")
    names = [outcome.name for outcome in results.outcomes]
    assert names == ["baseline", "best_first", "rerank", "all"]
    assert results.baseline.mean("exact_match") == 1
    assert results.cases.endswith("questions.jsonl")


def test_an_own_model_a_prompt_and_a_judge(tmp_path: Path, questions: Path) -> None:
    (tmp_path / "prompt.txt").write_text("{context}\n\nPlease: {question}")
    found = bench(
        *("run", "--data", questions, "--llm", f"{HERE}:own_model"),
        *("--prompt", tmp_path / "prompt.txt", "--judge", f"{HERE}:own_model"),
        *("--record", tmp_path / "calls.jsonl", "--out", tmp_path / "out"),
    )
    assert found.exit_code == 0, found.output
    results = Results.read(tmp_path / "out" / "results.json")
    assert results.answered_by == f"{HERE}:own_model"
    assert results.baseline.mean("judged") == 0.5
    lines = (tmp_path / "calls.jsonl").read_text().splitlines()
    sent = json.loads(lines[0])["messages"][0]["content"]
    assert "Please: When does the canteen" in sent
    again = bench(
        *("run", "--data", questions, "--llm", f"recorded:{tmp_path / 'calls.jsonl'}"),
        *("--prompt", tmp_path / "prompt.txt", "--out", tmp_path / "again"),
    )
    assert again.exit_code == 0, again.output
    replayed = Results.read(tmp_path / "again" / "results.json")
    assert [row.answer for row in replayed.baseline.rows] == [
        row.answer for row in results.baseline.rows
    ]


def test_prices_are_options(tmp_path: Path, questions: Path) -> None:
    found = bench(
        *("run", "--data", questions, "--llm", "none", "--model", "claude-sonnet-4-5"),
        *("--caching", "anthropic-5m", "--price-date", "2026-10-01", "--machine-price", 0),
        *("--seconds-apart", 2, "--metric", "gold_kept", "--margin", 0.05, "--jobs", 2),
        *("--out", tmp_path / "out"),
    )
    assert found.exit_code == 0, found.output
    results = Results.read(tmp_path / "out" / "results.json")
    assert (results.price_date, results.caching) == ("2026-10-01", "anthropic-5m")
    assert (results.metric, results.margin, results.seconds_apart) == ("gold_kept", 0.05, 2.0)
    assert all(row.lever_dollars == 0 for row in results.outcomes[1].rows)


def test_fresh_asks_again(tmp_path: Path, questions: Path) -> None:
    asked = ("run", "--data", questions, "--llm", "none", "--cache", tmp_path / "kept", "--out")
    bench(*asked, tmp_path / "out")
    (kept, *_) = sorted((tmp_path / "kept" / "attempts").iterdir())
    before = kept.read_bytes()
    bench(*asked, tmp_path / "out")
    assert kept.read_bytes() == before
    other = tmp_path / "kept" / "attempts" / "other.jsonl"
    other.write_text("")
    bench(*asked, tmp_path / "out", "--fresh")
    assert kept.exists()
    assert not other.exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--data", "trivia:x"], "unknown set"),
        (["--llm", "gpt"], "unknown model"),
        (["--model", "no-such-model"], "no known price"),
        (["--caching", "magic"], "unknown caching rules"),
        (["--lever", "levitate"], "should be of the form package.module:function"),
        (["--pipeline", "no_such_module:build"], "no module"),
        (["--metric", "beauty", "--llm", "none", "--limit", "2"], "'beauty' is not known"),
        (["--limit", "0"], "limit"),
    ],
)
def test_what_cannot_work_ends_with_a_sentence_and_code_2(
    arguments: list[str], told: str, tmp_path: Path
) -> None:
    found = bench("run", *arguments, "--out", tmp_path / "out")
    assert found.exit_code == 2
    assert told in " ".join(found.output.split())
    assert "Traceback" not in found.output


def run(out: Path, questions: Path, *more: object) -> Path:
    asked = ("run", "--data", questions, "--llm", "none", "--machine-price", 0)
    found = bench(*asked, "--lever", f"{HERE}:best_first", "--out", out, *more)
    assert found.exit_code == 0, found.output
    return out / "results.json"


@pytest.fixture
def twenty(tmp_path: Path) -> Path:
    """Twenty questions, all with the same right answer."""
    lines = [
        {
            "question": f"When does the canteen open in week {week}?",
            "answers": ["11:30"],
            "passages": [{"text": passage.text} for passage in CASE.passages],
        }
        for week in range(20)
    ]
    file = tmp_path / "twenty.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    return file


def test_a_run_compared_with_itself_passes_every_gate(tmp_path: Path, twenty: Path) -> None:
    results = run(tmp_path / "out", twenty)
    same = bench("compare", results, results, "--fail-if-inferior", 0.02, "--fail-if-dearer", 0)
    assert same.exit_code == 0, same.output
    assert "best_first" in same.output


def test_a_loss_fails_the_gate_and_a_possible_one_only_a_strict_gate(
    tmp_path: Path, twenty: Path
) -> None:
    before = run(tmp_path / "before", twenty)
    raw = json.loads(before.read_text())
    for at, row in enumerate(raw["outcomes"][1]["rows"]):
        row["quality"]["answer_kept"] *= at % 2
    after = tmp_path / "after.json"
    after.write_text(json.dumps(raw))
    lost = bench("compare", before, after, "--fail-if-inferior", 0.02)
    assert lost.exit_code == 1
    assert "best_first is inferior: 50.0 points lost" in lost.output
    assert bench("compare", before, after).exit_code == 0
    assert bench("compare", before, before, "--fail-if-inferior", 0.02, "--strict").exit_code == 1
    assert bench("compare", before, before, "--fail-if-inferior", 0.2, "--strict").exit_code == 0


def test_dearer_runs_fail_their_gate(tmp_path: Path, questions: Path) -> None:
    before = run(tmp_path / "before", questions)
    raw = json.loads(before.read_text())
    for row in raw["outcomes"][0]["rows"]:
        row["dollars"] *= 1.2
    after = tmp_path / "after.json"
    after.write_text(json.dumps(raw))
    assert bench("compare", before, after, "--fail-if-dearer", 0.25).exit_code == 0
    dearer = bench("compare", before, after, "--fail-if-dearer", 0.1)
    assert dearer.exit_code == 1
    assert "baseline is dearer: +20.0 % dollars" in dearer.output


def test_runs_that_cannot_be_compared_end_with_code_2(
    tmp_path: Path, questions: Path, twenty: Path
) -> None:
    one, other = run(tmp_path / "a", questions), run(tmp_path / "b", twenty)
    found = bench("compare", one, other)
    assert found.exit_code == 2
    assert "the questions differ" in found.output
    named = run(tmp_path / "c", questions, "--metric", "gold_kept")
    assert "was judged then" in bench("compare", one, named).output
    missing = bench("compare", one, tmp_path / "none.json")
    assert missing.exit_code == 2
    assert "no file" in missing.output
    (tmp_path / "list.json").write_text("[]")
    assert "not a results file" in " ".join(
        bench("compare", one, tmp_path / "list.json").output.split()
    )


def test_a_report_can_be_written_again(tmp_path: Path, questions: Path) -> None:
    results = run(tmp_path / "out", questions)
    assert bench("report", results, "--out", tmp_path / "again").exit_code == 0
    for name in ("report.md", "report.html"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_the_program_and_its_parts_explain_themselves() -> None:
    assert {"run", "compare", "report"} <= set(bench("--help").output.split())
    assert "--pipeline" in bench("run", "--help").output
