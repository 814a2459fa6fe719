"""Any dataset of the Hugging Face hub, or a file of rows, by the names of its columns."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragthrift import InputError, Passage
from ragthrift.errors import MissingExtraError
from ragthrift_bench.cases import Case
from ragthrift_bench.records import Record
from ragthrift_bench.sets import own
from ragthrift_bench.sets.distractors import Pool
from ragthrift_bench.sets.sampling import draw

_READERS = {".parquet": "parquet", ".csv": "csv", ".json": "json", ".jsonl": "json"}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Columns:
    """Where things stand in a row; a dot leads into a column, as in SQuAD's `answers.text`."""

    question: str = "question"
    answers: str = "answers"
    """A text or a list of texts; a row where it is empty is left out."""
    passages: str | None = None
    """A list: of texts, of lists of sentences or of `{"text", "id"?}`. Or one text."""
    gold: str | None = None
    """Ids of passages, or one mark (0 or 1) for each passage."""
    id: str | None = None
    cluster: str | None = None


def cases(
    name: str,
    *,
    columns: Columns | None = None,
    split: str = "train",
    passages: int = 10,
    seed: int = 0,
    limit: int | None = None,
    corpus: Path | None = None,
) -> list[Case]:
    """One case for each row of a dataset on the hub, of a saved one, or of a file of rows.

    `name` may be a file (Parquet, CSV, JSON, JSON lines) or a folder. Where a row has one text for
    a passage, it is gold, and BM25 finds distractors among those of the other rows, `passages` in
    all. Without a column of passages they come from the folder `corpus`. Needs the `hf` extra.
    """
    columns = columns or Columns()
    rows = _rows(name, split)
    records = [_record(row, columns, f"{name}, row {at}") for at, row in enumerate(rows, start=1)]
    answered = [record for record in records if "answers" in record]
    if not answered:
        raise InputError(f"no row of {name} has anything in {columns.answers!r}; map the answers")
    if len(answered) < len(records):
        missing = len(records) - len(answered)
        log.warning("%d of %d rows have no answer and are left out", missing, len(records))
    chosen = draw(answered, limit, seed)
    if isinstance(chosen[0].fields.get("passages"), str):
        pool = Pool(Passage(record.text("passages")) for record in records)
        chosen = [_hidden(record, pool, passages, seed) for record in chosen]
    return own.from_records(chosen, passages=passages, corpus=corpus)


def _rows(name: str, split: str) -> Iterable[Mapping[str, Any]]:
    try:
        from datasets import load_dataset, load_from_disk
    except ImportError as error:
        raise MissingExtraError(
            'datasets is not installed; run: pip install "ragthrift-bench[hf]"', name=error.name
        ) from error
    path = Path(name)
    reader = _READERS.get(Path(name.removesuffix(".gz")).suffix.lower())
    if reader and not path.is_file():
        raise InputError(f"no file {path}")
    try:
        rows: Any
        if reader:
            rows = load_dataset(reader, data_files=name, split=split)
        elif (path / "state.json").is_file():
            rows = load_from_disk(name)
        elif (path / "dataset_dict.json").is_file():
            rows = load_from_disk(name)[split]
        else:
            rows = load_dataset(name, split=split)
    except Exception as error:
        raise InputError(f"cannot read the split {split!r} of {name}: {error}") from error
    found: Iterable[Mapping[str, Any]] = rows
    return found


def _record(row: Mapping[str, Any], columns: Columns, place: str) -> Record:
    """The row in the fields of a file of one's own."""
    found: dict[str, Any] = {
        "question": _at(row, columns.question, place),
        "answers": _at(row, columns.answers, place) or None,
        "id": _at(row, columns.id, place),
        "cluster": _at(row, columns.cluster, place),
    }
    texts = _at(row, columns.passages, place)
    gold = _at(row, columns.gold, place)
    if texts is None or isinstance(texts, str):
        return Record({**found, "passages": texts, "gold_ids": gold}, place)
    retrieved = [_passage(text, Record(row, place), columns) for text in texts]
    ids = _gold_ids(gold, retrieved)
    unique = {passage.id: {"id": passage.id, "text": passage.text} for passage in retrieved}
    return Record({**found, "passages": [*unique.values()], "gold_ids": ids or None}, place)


def _at(row: Mapping[str, Any], column: str | None, place: str) -> Any:
    if column is None:
        return None
    value: Any = row
    for part in [column] if column in row else column.split("."):
        try:
            value = [item[part] for item in value] if isinstance(value, list) else value[part]
        except (KeyError, TypeError) as error:
            raise InputError(
                f"{place}: there is no {column!r}; the columns are {', '.join(row)}"
            ) from error
    return value


def _passage(value: object, row: Record, columns: Columns) -> Passage:
    if isinstance(value, str):
        return Passage(value)
    if isinstance(value, list) and all(isinstance(sentence, str) for sentence in value):
        return Passage("".join(value))
    if isinstance(value, dict) and "text" in value:
        passage = Record(value, row.place)
        return Passage(passage.text("text"), id=passage.text_or_none("id") or "")
    wanted = 'a text, or a list of texts, of lists of sentences or of {"text", "id"}'
    raise row.wrong(columns.passages or "passages", wanted, value)


def _gold_ids(gold: object, passages: Sequence[Passage]) -> list[str]:
    if not isinstance(gold, list):
        return [] if gold is None else [str(gold)]
    if len(gold) == len(passages) and all(mark in (0, 1) for mark in gold):
        return [passage.id for passage, mark in zip(passages, gold, strict=True) if mark]
    return [str(name) for name in gold]


def _hidden(record: Record, pool: Pool, passages: int, seed: int) -> Record:
    gold = Passage(record.text("passages"))
    found = pool.hide(
        gold, record.text("question"), record.texts("answers"), passages=passages, seed=seed
    )
    retrieved = [{"id": passage.id, "text": passage.text} for passage in found]
    return Record({**record.fields, "passages": retrieved, "gold_ids": [gold.id]}, record.place)
