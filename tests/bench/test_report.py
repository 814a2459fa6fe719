"""What a report says, in either format, against the results it was made from."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest

from ragthrift import InputError
from ragthrift_bench.report import write_html, write_markdown
from ragthrift_bench.report.ablation import ablation
from ragthrift_bench.report.lines import lines
from ragthrift_bench.report.regressions import worst_regressions
from ragthrift_bench.report.words import FEW, card, headline, questions_needed, warnings
from ragthrift_bench.results import Results, Row
from tests.bench.synthetic import TWELVE, make_results

Write = Callable[[Results, Path], None]
BOTH = pytest.mark.parametrize("write", [write_markdown, write_html])


@pytest.fixture(scope="module")
def results() -> Results:
    return make_results(TWELVE)


@pytest.fixture(scope="module")
def small() -> Results:
    return make_results({"rerank": ("rerank",), "summarise": ("summarise",)}, questions=40)


def written(write: Write, results: Results, folder: Path) -> str:
    path = folder / "report"
    write(results, path)
    return path.read_text(encoding="utf-8")


def with_rows(results: Results, change: Callable[[Row], Row]) -> Results:
    outcomes = (
        replace(outcome, rows=tuple(map(change, outcome.rows))) for outcome in results.outcomes
    )
    return replace(results, outcomes=tuple(outcomes))


def minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")


def verdict_rows(markdown: str) -> dict[str, list[str]]:
    section = markdown.split("## Dollars beside quality")[1].split("\n## ", maxsplit=1)[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return {row[0]: row for row in rows[2:]}


@BOTH
def test_every_configuration_and_verdict_is_named(
    write: Write, results: Results, tmp_path: Path
) -> None:
    text = written(write, results, tmp_path)
    for outcome in results.outcomes:
        assert outcome.name in text
        assert outcome.comparison is None or outcome.comparison.verdict in text


@BOTH
def test_how_the_run_can_be_repeated_is_told(
    write: Write, results: Results, tmp_path: Path
) -> None:
    text = written(write, results, tmp_path)
    facts = [results.cases, results.cases_hash, results.answered_by, results.model]
    for fact in [*facts, results.price_date, results.caching, *results.versions.values()]:
        assert fact in text


def test_numbers_of_the_verdict_table_are_those_of_the_results(
    results: Results, tmp_path: Path
) -> None:
    rows = verdict_rows(written(write_markdown, results, tmp_path))
    assert list(rows) == [outcome.name for outcome in results.outcomes]
    usual = fmean(row.dollars for row in results.baseline.rows)
    for outcome in results.outcomes[1:]:
        comparison, cells = outcome.comparison, rows[outcome.name]
        assert comparison is not None
        assert cells[1] == f"${1000 * fmean(row.dollars for row in outcome.rows):.3f}"
        share = [100 * end / usual for end in (comparison.dollars.mean, comparison.dollars.low)]
        assert cells[2].startswith(minus(f"{share[0]:+.1f} % ({share[1]:+.1f} to "))
        assert cells[3].startswith(
            f"{fmean(r.usage.fresh_tokens for r in outcome.rows):,.0f} fresh"
        )
        score = fmean(row.quality[results.metric] for row in outcome.rows)
        assert cells[4] == f"{100 * score:.1f}"
        assert cells[7] == comparison.verdict


@BOTH
def test_a_lever_that_costs_more_says_so(write: Write, results: Results, tmp_path: Path) -> None:
    text = re.sub("<[^>]+>", "", written(write, results, tmp_path))
    assert "46 % more dollars" in text
    assert "46 % fewer dollars" not in text
    assert "costs more" in text


def test_a_card_is_one_plain_sentence(results: Results) -> None:
    found = {line.name: line for line in lines(results)}
    sentence = card(found["summarise"])
    change = minus(r"quality -[\d.]+ points \(95 % -[\d.]+ to -[\d.]+\): saves, inferior")
    assert re.fullmatch(rf"\d+ % fewer dollars, {change}", sentence)


@BOTH
def test_foreign_text_is_never_markup(write: Write, small: Results, tmp_path: Path) -> None:
    attack = "<script>alert('&')</script>"
    hostile = with_rows(
        small, lambda row: replace(row, question=attack, answer=attack, expected=(attack,))
    )
    outcomes = [replace(each, name=f"{each.name} {attack}") for each in hostile.outcomes]
    hostile = replace(hostile, outcomes=tuple(outcomes), cases=attack, versions={attack: attack})
    text = written(write, hostile, tmp_path)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_a_question_cannot_break_a_markdown_table(small: Results, tmp_path: Path) -> None:
    outcomes = [replace(each, name=f"{each.name}|x\ny") for each in small.outcomes]
    text = written(write_markdown, replace(small, outcomes=tuple(outcomes)), tmp_path)
    table = [line for line in text.splitlines() if line.startswith("| rerank")]
    heads = next(line for line in text.splitlines() if line.startswith("| Configuration"))
    assert table[0].replace(r"\|", "").count("|") == heads.count("|")


def test_the_worst_ten_are_the_worst_ten(results: Results) -> None:
    baseline = {row.case_id: row for row in results.baseline.rows}
    drops: dict[str, float] = {}
    for outcome in results.outcomes[1:]:
        for row in outcome.rows:
            drop = row.quality["token_f1"] - baseline[row.case_id].quality["token_f1"]
            drops[row.case_id] = min(drops.get(row.case_id, 0.0), drop)
    worst = worst_regressions(results)
    assert [one.drop for one in worst] == sorted(drops.values())[:10]
    assert len({one.baseline.case_id for one in worst}) == 10
    for one in worst:
        outcome = next(each for each in results.outcomes if each.name == one.configuration)
        assert one.answered in outcome.rows
        assert one.baseline == baseline[one.answered.case_id]
        assert one.answered.quality["token_f1"] - one.baseline.quality["token_f1"] == one.drop


@BOTH
def test_regressions_show_question_and_both_answers(
    write: Write, results: Results, tmp_path: Path
) -> None:
    text = written(write, results, tmp_path)
    for one in worst_regressions(results):
        for shown in (one.question, one.baseline.answer, one.answered.answer, *one.expected):
            assert shown in text


@BOTH
def test_no_regression_is_good_news(write: Write, tmp_path: Path) -> None:
    text = written(write, make_results({"cache": ("cache",)}, questions=30), tmp_path)
    assert "No answer got worse" in text


@BOTH
def test_long_answers_are_cut_and_the_rest_is_counted(
    write: Write, small: Results, tmp_path: Path
) -> None:
    long = with_rows(small, lambda row: replace(row, answer="word " * 1000))
    text = written(write, long, tmp_path)
    assert "more characters in results.json" in text
    assert len(text) < 200_000


@BOTH
def test_equal_results_make_equal_bytes(write: Write, results: Results, tmp_path: Path) -> None:
    results.write(tmp_path / "results.json")
    again = Results.read(tmp_path / "results.json")
    assert again == results
    assert written(write, again, tmp_path) == written(write, results, tmp_path)


def test_bytes_do_not_hang_on_the_order_of_sets(small: Results, tmp_path: Path) -> None:
    small.write(tmp_path / "results.json")
    program = (
        "import sys; from pathlib import Path; from ragthrift_bench.results import Results; "
        "from ragthrift_bench.report.html import html; "
        "sys.stdout.buffer.write(html(Results.read(Path(sys.argv[1]))).encode())"
    )
    pages = {
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "results.json")],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(pages) == 1
    assert len(pages.pop()) > 10_000


def test_the_headline_names_the_cheapest_that_held(results: Results) -> None:
    held = [
        outcome
        for outcome in results.outcomes[1:]
        if outcome.comparison and outcome.comparison.verdict == "saves, non-inferior"
    ]
    cheapest = min(held, key=lambda outcome: outcome.dollars)
    assert headline(lines(results)).startswith(f"{cheapest.name}: ")
    assert headline(lines(results)).endswith("fewer dollars, quality held")


def test_the_headline_does_not_praise_what_failed() -> None:
    costly = make_results({"expand": ("expand",), "summarise": ("summarise",)}, questions=60)
    assert headline(lines(costly)) == "Nothing tried here saves dollars and holds quality"
    unclear = make_results({"compress": ("compress",)}, questions=40, seed=9)
    assert unclear.outcomes[1].comparison is not None
    assert unclear.outcomes[1].comparison.verdict == "inconclusive"
    assert headline(lines(unclear)).endswith("quality not yet proven")


@pytest.mark.parametrize("questions", [1, FEW - 1])
def test_few_questions_are_called_a_rehearsal(questions: int) -> None:
    found = lines(make_results({"cache": ("cache",)}, questions=questions))
    assert headline(found).endswith("too few questions to judge quality")
    assert "rehearsal" in warnings(found)[0]


def test_failed_questions_are_told(small: Results) -> None:
    broken = with_rows(
        small, lambda row: replace(row, error="timeout" if row.case_id == "q3" else None)
    )
    assert "rerank: 1 of 40 questions ended in an error." in warnings(lines(broken))
    assert warnings(lines(small)) == []


def test_questions_needed_follow_the_square_root_law(results: Results) -> None:
    line = next(line for line in lines(results) if line.name == "rerank")
    few = questions_needed(line, 0.02)
    many = questions_needed(line, 0.01)
    assert few is not None
    assert many is not None
    assert many == pytest.approx(4 * few, abs=4)


def test_ablation_finds_levers_alone_and_left_out() -> None:
    results = make_results(questions=40)
    found = {line.name: line for line in lines(results)}
    levers = ablation(list(found.values()))
    assert [part.lever for part in levers.parts] == ["rerank", "compress", "cache"]
    assert levers.together is found["all"]
    for part in levers.parts:
        assert part.alone is found[part.lever]
        assert part.without is found[f"all-but-{part.lever}"]
        assert part.adds_dollars == pytest.approx(part.without.dollars - found["all"].dollars)
        assert part.adds_dollars is not None
        assert part.adds_dollars > 0
    alone = sum(
        1 - found[name].dollars / found["baseline"].dollars
        for name in ("rerank", "compress", "cache")
    )
    assert levers.summed == pytest.approx(alone)


def test_one_lever_is_no_ablation() -> None:
    assert ablation(lines(make_results({"rerank": ("rerank",)}, questions=5))).parts == ()


@BOTH
def test_a_free_baseline_has_no_percentages(write: Write, small: Results, tmp_path: Path) -> None:
    free = with_rows(small, lambda row: replace(row, dollars=0.0))
    assert "$0.00" in written(write, free, tmp_path)


@BOTH
def test_nothing_to_report_is_an_error(write: Write, small: Results, tmp_path: Path) -> None:
    for outcomes in ((), (replace(small.baseline, rows=()),)):
        with pytest.raises(InputError, match="run the benchmark first"):
            write(replace(small, outcomes=outcomes), tmp_path / "report")


def test_other_questions_cannot_be_compared(small: Results, tmp_path: Path) -> None:
    baseline, rerank, _ = small.outcomes
    shorter = replace(small, outcomes=(baseline, replace(rerank, rows=rerank.rows[1:])))
    with pytest.raises(InputError, match="'rerank' was not asked the same questions"):
        write_markdown(shorter, tmp_path / "report.md")
