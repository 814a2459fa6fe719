"""Datasets by the names of their columns, read from files as `datasets` reads them."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from ragthrift import InputError
from ragthrift.errors import MissingExtraError
from ragthrift_bench.sets import hugging_face, load
from ragthrift_bench.sets.hugging_face import Columns

INSTALLED = importlib.util.find_spec("datasets") is not None
needs_datasets = pytest.mark.skipif(
    not INSTALLED, reason='datasets is not installed: pip install "ragthrift-bench[hf]"'
)

SQUAD: list[dict[str, Any]] = [
    {
        "id": f"s{n}",
        "title": "Prizes",
        "context": f"{name} won the prize in {1901 + n}.",
        "question": f"Who won in {1901 + n}?",
        "answers": {"text": [name, f"{name} X."], "answer_start": [0, 0]},
    }
    for n, name in enumerate(["Ann", "Bob", "Cem", "Dee"])
]
MARCO: list[dict[str, Any]] = [
    {
        "query": "who won",
        "answers": ["Ann"],
        "passages": {"passage_text": ["Cats purr.", "Ann won."], "is_selected": [0, 1]},
    },
    {
        "query": "who lost",
        "answers": ["Bob"],
        "passages": {"passage_text": ["Bob lost.", "Bob lost."], "is_selected": [1, 0]},
    },
]
HOTPOT: list[dict[str, Any]] = [
    {
        "question": "Who won?",
        "answer": "Ann",
        "context": {"title": ["Prizes", "Cats"], "sentences": [["Ann won.", " Once."], ["Cats."]]},
    }
]


@pytest.fixture(autouse=True)
def _cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if INSTALLED:
        import datasets

        monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def parquet(folder: Path, rows: list[dict[str, Any]]) -> str:
    from datasets import Dataset

    path = folder / "rows.parquet"
    Dataset.from_list(rows).to_parquet(str(path))
    return str(path)


@needs_datasets
def test_one_text_for_a_passage_is_gold_and_gets_distractors(tmp_path: Path) -> None:
    columns = Columns(answers="answers.text", passages="context", id="id", cluster="title")
    cases = hugging_face.cases(parquet(tmp_path, SQUAD), columns=columns, passages=3)
    assert [case.id for case in cases] == ["s0", "s1", "s2", "s3"]
    for row, case in zip(SQUAD, cases, strict=True):
        assert case.question == row["question"]
        assert list(case.answers) == row["answers"]["text"]
        assert case.cluster == "Prizes"
        assert len(case.passages) == 3
        assert [p.text for p in case.passages if p.id in case.gold_ids] == [row["context"]]


@needs_datasets
def test_marks_say_which_passages_are_gold(tmp_path: Path) -> None:
    columns = Columns("query", passages="passages.passage_text", gold="passages.is_selected")
    won, lost = hugging_face.cases(parquet(tmp_path, MARCO), columns=columns)
    assert [p.text for p in won.passages] == ["Cats purr.", "Ann won."]
    assert won.gold_ids == {won.passages[1].id}
    assert [p.text for p in lost.passages] == ["Bob lost."], "equal passages are one"
    assert lost.gold_ids == {lost.passages[0].id}


@needs_datasets
def test_sentences_are_joined(tmp_path: Path) -> None:
    columns = Columns(answers="answer", passages="context.sentences")
    (case,) = hugging_face.cases(parquet(tmp_path, HOTPOT), columns=columns)
    assert [p.text for p in case.passages] == ["Ann won. Once.", "Cats."]
    assert case.gold_ids == frozenset()


@needs_datasets
def test_passages_with_ids_keep_them(tmp_path: Path) -> None:
    found = [{"id": "a", "text": "Ann won."}, {"id": "b", "text": "Bob lost."}]
    rows = [{"question": "Who?", "answers": "Ann", "found": found, "gold": ["b", "a"]}]
    columns = Columns(passages="found", gold="gold")
    (case,) = hugging_face.cases(parquet(tmp_path, rows), columns=columns)
    assert [p.id for p in case.passages] == ["a", "b"]
    assert case.gold_ids == {"a", "b"}


@needs_datasets
def test_questions_alone_are_asked_on_a_corpus(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "prizes.md").write_text("Ann won the prize in 1901.")
    columns = Columns(answers="answers.text")
    cases = hugging_face.cases(parquet(tmp_path, SQUAD), columns=columns, corpus=folder)
    assert {p.id for case in cases for p in case.passages} == {"prizes.md#0"}
    with pytest.raises(InputError, match=r'row 1 has no "passages"'):
        hugging_face.cases(parquet(tmp_path, SQUAD), columns=columns)


@needs_datasets
def test_rows_without_an_answer_are_left_out_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    open_row = {**SQUAD[0], "id": "none", "answers": {"text": [], "answer_start": []}}
    columns = Columns(answers="answers.text", passages="context", id="id")
    cases = hugging_face.cases(parquet(tmp_path, [open_row, *SQUAD]), columns=columns)
    assert [case.id for case in cases] == ["s0", "s1", "s2", "s3"]
    assert "1 of 5 rows have no answer" in caplog.text
    with pytest.raises(InputError, match=r"no row of .* has anything in 'answers.text'"):
        hugging_face.cases(parquet(tmp_path, [open_row]), columns=columns)


@needs_datasets
def test_the_command_line_names_columns_behind_the_file(tmp_path: Path) -> None:
    spec = f"hf:{parquet(tmp_path, SQUAD)}?answers=answers.text&passages=context&id=id&split=train"
    assert {case.id for case in load(spec, limit=2, passages=2)} < {"s0", "s1", "s2", "s3"}
    with pytest.raises(InputError, match=r"unknown column 'answer' .* use question, answers"):
        load(f"hf:{parquet(tmp_path, SQUAD)}?answer=answers.text")


@needs_datasets
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "saved", "saved_splits"])
def test_other_files_are_read_too(name: str, tmp_path: Path) -> None:
    from datasets import Dataset, DatasetDict

    rows = [{"question": "Who won?", "answers": "Ann", "context": "Ann won."}]
    path = tmp_path / name
    if name == "rows.jsonl":
        path.write_text(json.dumps(rows[0]) + "\n")
    elif name == "rows.csv":
        Dataset.from_list(rows).to_csv(str(path))
    elif name == "saved":
        Dataset.from_list(rows).save_to_disk(str(path))
    else:
        DatasetDict(test=Dataset.from_list(rows)).save_to_disk(str(path))
    (case,) = hugging_face.cases(
        str(path),
        columns=Columns(passages="context"),
        split="test" if name == "saved_splits" else "train",
    )
    assert (case.answers, case.passages[0].text) == (("Ann",), "Ann won.")


@needs_datasets
@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (Columns("query"), "row 1: there is no 'query'; the columns are id, title, context"),
        (Columns(answers="answers.texts"), "row 1: there is no 'answers.texts'"),
        (Columns(passages="context"), '"answers" must be a text or a list of texts'),
        (
            Columns(answers="answers.text", passages="answers.answer_start"),
            '"answers.answer_start" must be a text, or a list of texts',
        ),
    ],
)
def test_a_column_that_cannot_work_is_named(columns: Columns, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        hugging_face.cases(parquet(tmp_path, SQUAD), columns=columns)


@needs_datasets
def test_a_dataset_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file .*gone\.parquet"):
        hugging_face.cases(str(tmp_path / "gone.parquet"))
    with pytest.raises(InputError, match="cannot read the split 'dev' of"):
        hugging_face.cases(parquet(tmp_path, SQUAD), split="dev")


@pytest.mark.skipif(INSTALLED, reason="datasets is installed")
def test_without_datasets_the_error_names_the_extra() -> None:
    with pytest.raises(MissingExtraError, match=r'pip install "ragthrift-bench\[hf\]"'):
        hugging_face.cases("rows.parquet")
