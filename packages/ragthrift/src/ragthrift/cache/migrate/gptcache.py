"""From GPTCache's SQLite file, with the tables of version 0.1.44."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ragthrift.cache.migrate.records import Imported, Record, ScopeFor, import_records
from ragthrift.cache.semantic_cache import SemanticCache
from ragthrift.errors import InputError

_TEXT = 0
"""GPTCache's `DataType.STR`; other types are pictures."""


def from_gptcache(
    sqlite_path: str | os.PathLike[str],
    cache: SemanticCache,
    *,
    scope: ScopeFor,
    table_name: str = "gptcache",
) -> Imported:
    """Take over the answers in a `CacheBase("sqlite")`; the file is only read.

    Of several answers to one question the newest is taken. What was deleted, asked about
    attachments or is no text stays behind, and so do vectors and thresholds: questions are
    embedded again, and this cache's own policy decides. `scope` may be a function of
    `{"sessions": [...]}`, the ids of the sessions that an answer was given in.

    Raises `InputError` for another kind of file.
    """
    path = Path(sqlite_path)
    if not path.is_file():
        raise InputError(f"there is no file at {path}; GPTCache's default is sqlite.db")
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as file:
        try:
            records = list(_records(file, table_name))
        except sqlite3.DatabaseError as error:
            raise InputError(
                f"{path} has no tables {table_name}_question and {table_name}_answer as GPTCache "
                f"makes them ({error}); if they have another prefix, pass table_name=..."
            ) from error
    return import_records(records, cache, scope)


def _records(file: sqlite3.Connection, prefix: str) -> Iterator[Record]:
    asked = _quoted(prefix, "question")
    newest_first = f"SELECT id, question, deleted FROM {asked} ORDER BY id DESC"  # noqa: S608
    for number, question, deleted in file.execute(newest_first):
        answers = _of(file, _quoted(prefix, "answer"), "answer, answer_type", number)
        attached = _of(file, _quoted(prefix, "question_dep"), "1", number)
        sessions = [id_ for (id_,) in _of(file, _quoted(prefix, "session"), "session_id", number)]
        unfit = _unfit(bool(deleted), answers, bool(attached))
        answer = "" if unfit else str(answers[0][0])
        yield Record(str(question), answer, {"sessions": sessions}, unfit)


def _unfit(deleted: bool, answers: list[tuple[object, ...]], attached: bool) -> str:
    reasons = {
        "deleted": deleted,
        "asked about attachments": attached,
        "no answer": not answers,
        "several answers at once": len(answers) > 1,
        "the answer is no text": any(kind != _TEXT for _, kind in answers),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _of(
    file: sqlite3.Connection, table: str, columns: str, number: int
) -> list[tuple[object, ...]]:
    found = f"SELECT {columns} FROM {table} WHERE question_id = ? ORDER BY id"  # noqa: S608
    return file.execute(found, (number,)).fetchall()


def _quoted(prefix: str, name: str) -> str:
    table = f"{prefix}_{name}".replace('"', '""')
    return f'"{table}"'
