"""A user's own questions, on their own passages and on a folder of documents."""

import json
from pathlib import Path
from typing import Any

import pytest

from ragthrift import InputError, Message
from ragthrift_bench.sets import own

LUNCH: dict[str, Any] = {
    "question": "When is lunch?",
    "answers": ["11:30", "half past eleven"],
    "passages": [
        {"id": "pay", "text": "Payday is the 25th."},
        {"id": "canteen", "text": "The canteen opens at 11:30.", "metadata": {"page": 3}},
    ],
    "gold_ids": ["canteen"],
    "supports": ["The canteen opens at 11:30."],
    "history": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}],
    "cluster": "handbook",
    "id": "lunch",
}
BARE = {"question": "When does the canteen open?", "answers": "11:30"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two documents, one of them in a folder below."""
    documents = tmp_path / "documents"
    (documents / "work").mkdir(parents=True)
    (documents / "canteen.md").write_text("# Canteen\nThe canteen opens at 11:30. It is blue.")
    (documents / "work" / "pay.txt").write_text("Payday is the 25th.")
    return documents


def written(folder: Path, *rows: object) -> Path:
    path = folder / "own.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in names}


def test_every_field_is_read(tmp_path: Path) -> None:
    case = own.cases(written(tmp_path, LUNCH))[0]
    assert case.question == "When is lunch?"
    assert case.answers == ("11:30", "half past eleven")
    assert [p.id for p in case.passages] == ["pay", "canteen"]
    assert case.passages[1].metadata == {"page": 3}
    assert case.gold_ids == {"canteen"}
    assert case.supports == ("The canteen opens at 11:30.",)
    assert case.history == (Message("user", "Hi"), Message("assistant", "Hello"))
    assert (case.cluster, case.id) == ("handbook", "lunch")


def test_a_question_its_answer_and_passages_are_enough(tmp_path: Path) -> None:
    row = {"question": "In which year?", "answers": 1901, "passages": [{"text": "In 1901."}]}
    case = own.cases(written(tmp_path, row))[0]
    assert case.answers == ("1901",)
    assert len(case.id) == len(case.passages[0].id) == 16
    assert case.gold_ids == frozenset()
    assert case.history == ()
    assert case.supports == ()
    assert case.cluster is None


def test_blank_lines_and_the_marks_of_windows_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(LUNCH).encode() + b"\r\n\r\n  \r\n")
    assert len(own.cases(path)) == 1


def test_a_line_may_hold_line_separators_inside_a_text(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    row = {**LUNCH, "question": "one\u2028two\x85three"}
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert own.cases(path)[0].question == "one\u2028two\x85three"


def test_a_corpus_gives_passages_to_those_without(tmp_path: Path, folder: Path) -> None:
    cases = own.cases(written(tmp_path, LUNCH, BARE), corpus=folder, passages=1)
    assert [p.id for p in cases[0].passages] == ["pay", "canteen"]
    assert [p.id for p in cases[1].passages] == ["canteen.md#0"]


def test_supports_find_the_gold_passage_in_the_corpus(tmp_path: Path, folder: Path) -> None:
    row = {**BARE, "supports": ["Payday is the 25th."]}
    case = own.cases(written(tmp_path, row), corpus=folder, passages=1)[0]
    assert case.gold_ids == {"work/pay.txt#0"}
    assert not case.keeps_gold(case.passages), "the retriever did not find it, and that shows"


def test_a_pipeline_that_retrieves_by_itself_needs_no_passages(tmp_path: Path) -> None:
    row = {**BARE, "passages": [], "supports": ["It is blue."]}
    case = own.cases(written(tmp_path, row))[0]
    assert case.passages == ()
    assert case.gold_ids == frozenset()
    assert case.supports == ("It is blue.",)


def test_gold_may_be_missing_from_what_was_retrieved(tmp_path: Path) -> None:
    case = own.cases(written(tmp_path, {**LUNCH, "gold_ids": ["menu"]}))[0]
    assert case.gold_ids == {"menu"}


def test_limit_and_seed_choose_the_questions(tmp_path: Path) -> None:
    path = written(tmp_path, *({**LUNCH, "id": f"q{n}"} for n in range(50)))
    few = {case.id for case in own.cases(path, limit=5, seed=1)}
    assert len(few) == 5
    assert few == {case.id for case in own.cases(path, limit=5, seed=1)}
    assert few < {case.id for case in own.cases(path, limit=20, seed=1)}
    assert few != {case.id for case in own.cases(path, limit=5, seed=2)}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (without(LUNCH, "question"), r'own\.jsonl, line 2 lacks "question"'),
        (without(LUNCH, "answers"), r'line 2 lacks "answers"'),
        ({**LUNCH, "answers": None}, r'line 2 lacks "answers"'),
        ({**LUNCH, "answers": []}, r'"answers" must be a list of at least one text'),
        ({**LUNCH, "answers": [True]}, r'"answers" must be a text or a list of texts, not true'),
        ({**LUNCH, "answers": {"text": "x"}}, r'"answers" must be a text or a list'),
        (without(LUNCH, "passages"), r'line 2 has no "passages": add .* corpus'),
        ({**LUNCH, "passages": "x"}, r'"passages" must be a list of objects, not "x"'),
        ({**LUNCH, "passages": [{"id": "a"}]}, r'line 2, passages 1 lacks "text"; it holds "id"'),
        ({**LUNCH, "passages": [{"text": "a"}] * 2}, r'two of the "passages" share an id'),
        ({**LUNCH, "passages": [{"text": "a", "metadata": 3}]}, r'"metadata" must be an object'),
        ({**LUNCH, "history": [{"role": "bot", "content": "x"}]}, r'history 1: "role" must be'),
        ({**LUNCH, "history": [{"role": "user"}]}, r'history 1 lacks "content"'),
        (without({**LUNCH, "supports": ["Blue."]}, "gold_ids"), r"no passage holds 'Blue\.'"),
        (["question"], r"line 2 should be a JSON object"),
        ("x" * 500, r'not "x{56}\.\.\.$'),
    ],
)
def test_a_wrong_line_is_named(row: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        own.cases(written(tmp_path, LUNCH, row))


def test_a_slip_in_a_gold_id_of_the_corpus_is_named(tmp_path: Path, folder: Path) -> None:
    row = {**BARE, "gold_ids": ["canteen.md"]}
    message = r"line 1: the corpus has no passage 'canteen\.md'.* look like 'canteen\.md#0'"
    with pytest.raises(InputError, match=message):
        own.cases(written(tmp_path, row), corpus=folder)


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"own\.jsonl is empty"):
        own.cases(written(tmp_path))
