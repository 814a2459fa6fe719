"""Sets by the names that the command line takes."""

import json
from pathlib import Path

import pytest

from ragthrift import InputError
from ragthrift_bench import handbook
from ragthrift_bench.cases import cases_hash
from ragthrift_bench.sets import load

SHARED = Path(__file__).parents[3] / "shared" / "data"
FILES = {
    "nq": SHARED / "rag" / "nq_open_oracle.jsonl.gz",
    "hotpot": SHARED / "rag" / "hotpotqa_distractor_hipporag.json",
    "qed": SHARED / "rag" / "qed_dev.jsonl.gz",
    "locomo": SHARED / "memory" / "locomo_30.json.gz",
}


def own(folder: Path, *questions: str) -> Path:
    path = folder / "own.jsonl"
    rows = [
        {"question": q, "answers": "Ann", "passages": [{"text": "Ann won."}]} for q in questions
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_the_demo_set_is_there_without_a_file() -> None:
    cases = load("demo", limit=12, passages=5)
    assert [case.question for case in cases] == [q.question for q in handbook.questions()[:12]]
    assert all(len(case.passages) == 5 for case in cases)
    assert sum(case.keeps_gold(case.passages) for case in cases) >= 11


@pytest.mark.parametrize("kind", FILES)
def test_published_sets_are_read_by_name(kind: str) -> None:
    if not FILES[kind].is_file():
        pytest.skip(f"{FILES[kind]} is not here: evaluation files are not part of the project")
    cases = load(f"{kind}:{FILES[kind]}", limit=4, passages=3, seed=2)
    assert len(cases) == 4
    assert all(case.keeps_gold(case.passages) for case in cases)


def test_own_questions_are_read_by_name(tmp_path: Path) -> None:
    cases = load(f"jsonl:{own(tmp_path, 'Who won?', 'Who was it?')}")
    assert [case.question for case in cases] == ["Who won?", "Who was it?"]
    assert cases_hash(cases) == cases_hash(load(f"jsonl:{tmp_path / 'own.jsonl'}"))


def test_a_corpus_is_handed_on(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps({"question": "Who won?", "answers": "Ann"}))
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "a.md").write_text("Ann won.")
    (case,) = load(f"jsonl:{path}", corpus=documents)
    assert [p.id for p in case.passages] == ["a.md#0"]


@pytest.mark.parametrize("spec", ["", "demos", "nq", "nq:", "jsonl:", "trivia:x.json", "./x.json"])
def test_an_unknown_set_is_an_error_that_lists_the_choices(spec: str) -> None:
    with pytest.raises(InputError, match=r"unknown set .*; use demo, nq:FILE, hotpot:FILE, qed:"):
        load(spec)


def test_two_cases_with_one_id_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r'two cases have the id .*"id" of its own'):
        load(f"jsonl:{own(tmp_path, 'Who won?', 'Who won?')}")


def test_a_corpus_for_a_set_with_passages_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="demo brings its own passages"):
        load("demo", corpus=tmp_path)


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"passages": 0}])
def test_nothing_to_ask_is_an_error(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match="at least 1"):
        load("demo", **wrong)  # type: ignore[arg-type]
