"""Answers of GPTCache: from tables as it makes them, and from the real library where it is."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ragthrift import InputError, Scope
from ragthrift.cache import Rules, SemanticCache
from ragthrift.cache.command import cache as command
from ragthrift.cache.migrate import Imported, from_gptcache
from ragthrift.testing import FakeEmbedder
from tests.cache.fakes import ServeNear

SCOPE = Scope.of(tenant="acme")
TABLES = """
CREATE TABLE {0}_question (id INTEGER NOT NULL, question VARCHAR(3000) NOT NULL,
    create_on DATETIME, last_access DATETIME, embedding_data BLOB, deleted INTEGER,
    PRIMARY KEY (id));
CREATE TABLE {0}_answer (id INTEGER NOT NULL, question_id INTEGER NOT NULL,
    answer VARCHAR(3000) NOT NULL, answer_type INTEGER NOT NULL, PRIMARY KEY (id));
CREATE TABLE {0}_question_dep (id INTEGER NOT NULL, question_id INTEGER NOT NULL,
    dep_name VARCHAR(1000) NOT NULL, dep_data VARCHAR(3000) NOT NULL,
    dep_type INTEGER NOT NULL, PRIMARY KEY (id));
CREATE TABLE {0}_session (id INTEGER NOT NULL, question_id INTEGER NOT NULL,
    session_id VARCHAR(1000) NOT NULL, session_question VARCHAR(3000) NOT NULL,
    PRIMARY KEY (id));
"""
"""As SQLAlchemy writes them for GPTCache 0.1.44."""


class Theirs:
    """A file of GPTCache, filled row by row."""

    def __init__(self, path: Path, prefix: str = "gptcache") -> None:
        self.path, self.prefix = path, prefix
        with closing(sqlite3.connect(path)) as file:
            file.executescript(TABLES.format(prefix))

    def add(
        self,
        question: str,
        *answers: str,
        kind: int = 0,
        deleted: int = 0,
        sessions: Iterable[str] = (),
        picture: str | None = None,
    ) -> None:
        with closing(sqlite3.connect(self.path)) as file, file:
            row = file.execute(
                f"INSERT INTO {self.prefix}_question (question, embedding_data, deleted) "
                "VALUES (?, ?, ?)",
                (question, bytes(16), deleted),
            ).lastrowid
            for table, columns, values in (
                ("answer", "answer, answer_type", [(answer, kind) for answer in answers]),
                ("session", "session_id, session_question", [(s, question) for s in sessions]),
                (
                    "question_dep",
                    "dep_name, dep_data, dep_type",
                    [("p", picture, 2)] * bool(picture),
                ),
            ):
                marks = ", ".join("?" * (1 + len(columns.split(","))))
                statement = f"INSERT INTO {self.prefix}_{table} (question_id, {columns}) "
                file.executemany(f"{statement} VALUES ({marks})", [(row, *v) for v in values])


@pytest.fixture
def theirs(tmp_path: Path) -> Theirs:
    return Theirs(tmp_path / "sqlite.db")


def make(**settings: object) -> SemanticCache:
    given: dict[str, object] = {"policy": ServeNear(0.6), "on_error": "raise"} | settings
    return SemanticCache(FakeEmbedder(), **given)  # type: ignore[arg-type]


def served(cache: SemanticCache, question: str, scope: Scope = SCOPE) -> str | None:
    hit = cache.lookup(question, scope=scope)
    return hit.answer if hit else None


def test_answers_are_served_in_these_words_and_others(theirs: Theirs) -> None:
    theirs.add("When is soup served?", "At noon.")
    theirs.add("How many people does the lift hold?", "Eight.", sessions=["s1"])
    cache = make()
    assert from_gptcache(theirs.path, cache, scope=SCOPE) == Imported(2, {})
    assert served(cache, "When is soup served?") == "At noon."
    assert served(cache, "When is soup served today?") == "At noon."
    assert served(cache, "How many people does the lift hold?") == "Eight."
    assert served(cache, "When is soup served?", Scope.of(tenant="globex")) is None


def test_what_cannot_be_taken_over_is_counted(theirs: Theirs) -> None:
    theirs.add("When is soup served?", "At noon.")
    theirs.add("Gone?", "Yes.", deleted=-1)
    theirs.add("What is in the picture?", "A door.", picture="http://door")
    theirs.add("Draw a door for me", "aGk=", kind=1)
    theirs.add("Unanswered question?")
    theirs.add("Heads or tails, today?", "Heads.", "Tails.")
    theirs.add("Who painted the door?", "I'm sorry, I don't know.")
    theirs.add("Why that one?", "Because.")
    theirs.add("And on Friday?", "At one.")
    assert from_gptcache(theirs.path, make(), scope=SCOPE) == Imported(
        1,
        {
            "asked about attachments": 1,
            "deleted": 1,
            "no answer": 1,
            "not_stored_refusal": 1,
            "several answers at once": 1,
            "the answer is no text": 1,
            "the question goes on from earlier turns, and the scope holds none": 1,
            "the question only points at earlier turns; ask it rewritten to stand alone": 1,
        },
    )


def test_the_newest_answer_is_taken_and_the_caches_own_stays(theirs: Theirs) -> None:
    theirs.add("When is soup served?", "At eleven.")
    theirs.add("when is soup served", "At noon.")
    theirs.add("How many people does the lift hold?", "Eight.")
    cache = make()
    cache.store("How many people does the lift hold?", "Ten.", scope=SCOPE)
    why = "the cache has an answer to the same question"
    assert from_gptcache(theirs.path, cache, scope=SCOPE) == Imported(1, {why: 2})
    assert served(cache, "When is soup served?") == "At noon."
    assert served(cache, "How many people does the lift hold?") == "Ten."
    again = from_gptcache(theirs.path, cache, scope=SCOPE)
    assert again == Imported(0, {why: 3})


def test_a_scope_may_depend_on_the_sessions(theirs: Theirs) -> None:
    theirs.add("When is soup served?", "At noon.", sessions=["acme-1", "acme-2"])
    theirs.add("When does it open, the canteen?", "At nine.")

    def scope(fields: object) -> Scope | None:
        sessions = fields["sessions"]  # type: ignore[index]
        return Scope.of(tenant=sessions[0].split("-")[0]) if sessions else None

    cache = make()
    assert from_gptcache(theirs.path, cache, scope=scope) == Imported(1, {"no scope for it": 1})
    assert served(cache, "When is soup served?") == "At noon."


def test_the_caches_rules_hold(theirs: Theirs) -> None:
    theirs.add("When is soup served?", "At noon.")
    lacks = from_gptcache(theirs.path, make(rules=Rules(declared=("tenant",))), scope=Scope())
    assert lacks == Imported(0, {"the scope lacks tenant": 1})
    gated = make(rules=Rules(gate=lambda question, answer, passages: False))
    assert from_gptcache(theirs.path, gated, scope=SCOPE) == Imported(0, {"not_stored_gate": 1})


def test_other_table_names_and_other_files(tmp_path: Path) -> None:
    Theirs(tmp_path / "a.db", "mine").add("When is soup served?", "At noon.")
    assert from_gptcache(tmp_path / "a.db", make(), scope=SCOPE, table_name="mine").imported == 1
    with pytest.raises(InputError, match="no tables gptcache_question"):
        from_gptcache(tmp_path / "a.db", make(), scope=SCOPE)
    (tmp_path / "b.db").write_text("Dear diary, " * 200)
    with pytest.raises(InputError, match="no tables"):
        from_gptcache(tmp_path / "b.db", make(), scope=SCOPE)
    with pytest.raises(InputError, match="no file"):
        from_gptcache(tmp_path / "c.db", make(), scope=SCOPE)
    assert not (tmp_path / "c.db").exists()


def test_the_file_is_left_as_it_was(theirs: Theirs) -> None:
    theirs.add("When is soup served?", "At noon.")
    before = theirs.path.read_bytes()
    from_gptcache(theirs.path, make(), scope=SCOPE)
    assert theirs.path.read_bytes() == before
    assert [path.name for path in theirs.path.parent.iterdir()] == [theirs.path.name]


def test_a_report_in_words() -> None:
    assert str(Imported(3, {"deleted": 2})) == "3 answers imported\n2 skipped: deleted"


def test_the_command(theirs: Theirs, tmp_path: Path) -> None:
    theirs.add("When is soup served?", "At noon.")
    into = tmp_path / "answers.db"
    options = ["--into", str(into), "--scope", "tenant=acme", "--exact"]
    run = CliRunner().invoke(command, ["import", "gptcache", str(theirs.path), *options])
    assert (run.exit_code, run.stdout) == (0, "1 answers imported\n")
    with SemanticCache(None, store=into) as cache:
        assert served(cache, "when is soup served") == "At noon."
    for wrong in (["--scope", "acme"], ["--scope", "tenant="]):
        run = CliRunner().invoke(command, ["import", "gptcache", "x.db", "--into", "y.db", *wrong])
        assert run.exit_code == 2
    assert not Path("y.db").exists()


def test_a_file_of_the_real_library(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy", reason="gptcache needs sqlalchemy for SQLite")
    names = "gptcache.manager.scalar_data"
    storing = pytest.importorskip(f"{names}.sql_storage", reason="gptcache is not installed")
    kept = pytest.importorskip(f"{names}.base")
    storage = storing.SQLStorage("sqlite", f"sqlite:///{tmp_path}/sqlite.db")
    vector = np.zeros(4, dtype=np.float32)
    picture = kept.Question("Who?", [kept.QuestionDep("p", "http://door", 2)])
    storage.batch_insert(
        [
            kept.CacheData("When is soup served?", "At noon.", vector, session_id="s1"),
            kept.CacheData("Gone?", "Yes.", vector),
            kept.CacheData(picture, "Ann.", vector),
        ]
    )
    storage.mark_deleted([2])
    cache = make()
    assert from_gptcache(tmp_path / "sqlite.db", cache, scope=SCOPE) == Imported(
        1, {"asked about attachments": 1, "deleted": 1}
    )
    assert served(cache, "When is soup served?") == "At noon."
