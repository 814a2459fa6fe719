"""Whole benchmarks on made-up questions, whose truth is known."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from rich.progress import Progress

from ragthrift import InputError, Message, Passage
from ragthrift.errors import RagthriftError
from ragthrift.protocols import Step
from ragthrift.testing import ScriptedLLM
from ragthrift_bench import Case
from ragthrift_bench.benchmark import Benchmark
from ragthrift_bench.configurations import Configuration, ablation
from ragthrift_bench.results import Outcome, Results
from tests.bench.made_up import (
    PRICING,
    configurations,
    drop_half_of_gold,
    keep_gold_and,
    make_cases,
    reading,
)


def run(
    tmp_path: Path,
    count: int,
    steps: dict[str, Step],
    *,
    llm: ScriptedLLM | None = None,
    jobs: int = 1,
) -> Results:
    cases = make_cases(count)
    reader = llm or ScriptedLLM(reading(cases))
    return Benchmark(
        cases=cases,
        configurations=configurations(reader, tmp_path, steps),
        pricing=PRICING,
        folder=tmp_path / "attempts",
        jobs=jobs,
    ).run()


def verdict(outcome: Outcome) -> str:
    assert outcome.comparison is not None
    return outcome.comparison.verdict


def test_thirty_questions_are_inconclusive_even_where_nothing_is_lost(tmp_path: Path) -> None:
    trimmed = run(tmp_path, 30, {"trim": keep_gold_and(2)}).outcomes[1]
    assert trimmed.mean("gold_kept") == 1
    assert trimmed.dollars < 0.7 * run(tmp_path, 30, {}).baseline.dollars
    assert verdict(trimmed) == "inconclusive"


def test_half_of_the_gold_passages_gone_is_inferior(tmp_path: Path) -> None:
    results = run(tmp_path, 60, {"drop": drop_half_of_gold})
    dropped = results.outcomes[1]
    assert dropped.mean("gold_kept") == 0.5
    assert dropped.mean("token_f1") < 0.6 * results.baseline.mean("token_f1")
    assert verdict(dropped) == "saves, inferior"
    assert dropped.p_value is not None
    assert dropped.p_value < 0.001


def test_half_of_the_gold_passages_gone_is_inferior_at_thirty_too(tmp_path: Path) -> None:
    assert verdict(run(tmp_path, 30, {"drop": drop_half_of_gold}).outcomes[1]) == "saves, inferior"


def test_many_questions_show_that_nothing_is_lost(tmp_path: Path) -> None:
    results = run(tmp_path, 300, {"trim": keep_gold_and(2)})
    assert verdict(results.outcomes[1]) == "saves, non-inferior"


def test_more_text_costs_more(tmp_path: Path) -> None:
    def double(query: str, passages: "list[Passage]") -> "list[Passage]":
        return [passage.with_text(f"{passage.text} {passage.text}") for passage in passages]

    assert verdict(run(tmp_path, 40, {"double": double}).outcomes[1]) == "costs more"  # type: ignore[dict-item]


def test_a_second_run_asks_nothing_and_writes_the_same_bytes(tmp_path: Path) -> None:
    llm = ScriptedLLM(reading(make_cases(12)))
    steps: dict[str, Step] = {"trim": keep_gold_and(2)}
    run(tmp_path, 12, steps, llm=llm).write(tmp_path / "first.json")
    asked = len(llm.calls)
    run(tmp_path, 12, steps, llm=ScriptedLLM([])).write(tmp_path / "second.json")
    assert asked == len(llm.calls) == 24
    assert (tmp_path / "first.json").read_bytes() == (tmp_path / "second.json").read_bytes()
    assert Results.read(tmp_path / "first.json") == Results.read(tmp_path / "second.json")


def test_so_many_jobs_give_the_same_results(tmp_path: Path) -> None:
    steps: dict[str, Step] = {"trim": keep_gold_and(2)}
    one = run(tmp_path / "one", 20, steps)
    four = run(tmp_path / "four", 20, steps, jobs=4)
    for left, right in zip(one.outcomes, four.outcomes, strict=True):
        assert [(row.case_id, row.answer, row.usage, row.quality) for row in left.rows] == [
            (row.case_id, row.answer, row.usage, row.quality) for row in right.rows
        ]


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    cases = make_cases(10)
    answer = reading(cases)
    asked: list[str] = []

    def stop_at_the_seventh(messages: "list[Message]") -> str:
        asked.append(messages[-1].content)
        if len(asked) == 7:
            raise KeyboardInterrupt
        return answer(messages)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, 10, {}, llm=ScriptedLLM(stop_at_the_seventh))  # type: ignore[arg-type]
    run(tmp_path, 10, {}, llm=ScriptedLLM(stop_at_the_seventh))  # type: ignore[arg-type]
    assert len(asked) == 7 + 4
    assert len(set(asked)) == 10


def test_an_interrupt_among_many_jobs_starts_no_further_question(tmp_path: Path) -> None:
    asked: list[int] = []
    lock = threading.Lock()

    def interrupted(messages: object) -> str:
        with lock:
            asked.append(1)
            if len(asked) == 3:
                raise KeyboardInterrupt
        return "Yes."

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, 200, {}, llm=ScriptedLLM(interrupted), jobs=2)
    assert len(asked) < 200


def test_a_question_that_fails_is_a_row_and_is_tried_again(tmp_path: Path) -> None:
    cases = make_cases(5)
    answer = reading(cases, right=1.0)
    failures = iter([TimeoutError("slow"), None, None, None, None, None])

    def sometimes(messages: "list[Message]") -> object:
        return next(failures, None) or answer(messages)

    first = run(tmp_path, 5, {}, llm=ScriptedLLM(sometimes))  # type: ignore[arg-type]
    assert [row.error for row in first.baseline.rows].count(None) == 4
    assert first.baseline.rows[0].error == "TimeoutError: slow"
    assert first.baseline.rows[0].quality["token_f1"] == 0
    second = run(tmp_path, 5, {}, llm=ScriptedLLM(sometimes))  # type: ignore[arg-type]
    assert all(row.error is None for row in second.baseline.rows)
    assert second.baseline.mean("exact_match") == 1


def test_when_every_question_fails_the_run_says_why(tmp_path: Path) -> None:
    def broken(messages: object) -> Exception:
        return TimeoutError("no route to host")

    with pytest.raises(RagthriftError, match=r"every question failed.*no route to host"):
        run(tmp_path, 3, {}, llm=ScriptedLLM(broken))


def test_a_lever_that_fails_is_not_hidden(tmp_path: Path) -> None:
    def broken(query: str, passages: object) -> "list[Passage]":
        raise ZeroDivisionError("in the lever")

    with pytest.raises(RagthriftError, match=r"under 'broken'.*in the lever"):
        run(tmp_path, 3, {"broken": broken})


def test_a_torn_line_of_the_journal_is_asked_again(tmp_path: Path) -> None:
    llm = ScriptedLLM(reading(make_cases(4)))
    before = run(tmp_path, 4, {}, llm=llm)
    (file,) = (tmp_path / "attempts").glob("*.jsonl")
    file.write_bytes(file.read_bytes()[:-40])
    assert run(tmp_path, 4, {}, llm=llm) == before
    assert run(tmp_path, 4, {}, llm=ScriptedLLM([])) == before
    assert len(llm.calls) == 4


def test_a_bill_is_kept_beside_its_questions(tmp_path: Path) -> None:
    results = run(tmp_path, 3, {"trim": keep_gold_and(2)})
    results.write(tmp_path / "results.json")
    raw = json.loads((tmp_path / "results.json").read_text())
    assert raw["price_date"] == "2026-11-22"
    assert raw["model"] == "gpt-5-mini"
    assert raw["machine"]["cores"]
    assert raw["versions"]["python"]
    assert len(raw["cases_hash"]) == 16
    assert raw["outcomes"][0]["rows"][0]["expected"] == ["room 0.0"]


def test_clusters_are_resampled_whole(tmp_path: Path) -> None:
    cases = [
        replace(case, cluster=f"document {at // 10}") for at, case in enumerate(make_cases(60))
    ]
    made = configurations(ScriptedLLM(reading(cases)), tmp_path, {"drop": drop_half_of_gold})
    results = Benchmark(
        cases=cases, configurations=made, pricing=PRICING, folder=tmp_path / "attempts"
    ).run()
    alone = run(tmp_path, 60, {"drop": drop_half_of_gold})
    ours, theirs = results.outcomes[1].comparison, alone.outcomes[1].comparison
    assert ours
    assert theirs
    assert ours.quality.mean == theirs.quality.mean
    assert ours.quality != theirs.quality


def test_questions_of_one_document_are_compared_all_the_same(tmp_path: Path) -> None:
    cases = [replace(case, cluster="the only one") for case in make_cases(8)]
    made = configurations(ScriptedLLM(reading(cases)), tmp_path, {"trim": keep_gold_and(2)})
    results = Benchmark(
        cases=cases, configurations=made, pricing=PRICING, folder=tmp_path / "attempts"
    ).run()
    assert results.outcomes[1].comparison is not None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"cases": []}, "no question"),
        ({"jobs": 0}, "jobs=0"),
        ({"margin": 2.0}, "margin=2.0"),
        ({"configurations": []}, "names of their own"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_asked(
    change: dict[str, object], told: str, tmp_path: Path
) -> None:
    llm = ScriptedLLM([])
    benchmark = Benchmark(
        cases=make_cases(2), configurations=configurations(llm, tmp_path, {}), pricing=PRICING
    )
    with pytest.raises(InputError, match=told):
        replace(benchmark, **change)  # type: ignore[arg-type]
    assert not llm.calls


def test_a_metric_that_is_not_known_for_all_is_refused(tmp_path: Path) -> None:
    cases = [*make_cases(3), Case("Is it?", (Passage("It is."),), ("yes",), frozenset())]
    made = configurations(ScriptedLLM("yes"), tmp_path, {})
    benchmark = Benchmark(
        cases=cases, configurations=made, pricing=PRICING, metric="gold_kept", folder=tmp_path
    )
    with pytest.raises(InputError, match="'gold_kept' is not known for 1 of 4 questions"):
        benchmark.run()
    rest = replace(benchmark, metric=None).run()
    assert rest.metric == "token_f1"
    assert rest.baseline.mean("gold_kept") == 1


def test_nothing_is_built_where_everything_is_kept(tmp_path: Path) -> None:
    run(tmp_path, 3, {})

    def build() -> object:
        raise AssertionError("not needed")

    made = [Configuration("baseline", (), build, "baseline")]  # type: ignore[arg-type]
    Benchmark(
        cases=make_cases(3), configurations=made, pricing=PRICING, folder=tmp_path / "attempts"
    ).run(Progress(disable=True))


def test_every_lever_is_tried_alone_with_all_and_left_out() -> None:
    assert ablation([]) == {"baseline": ()}
    assert ablation(["a"]) == {"baseline": (), "a": ("a",)}
    three = ablation(["a", "b", "c"])
    assert three["all-but-b"] == ("a", "c")
    assert three["all"] == ("a", "b", "c")
    with pytest.raises(InputError, match="named twice"):
        ablation(["a", "a"])
