"""What comes with an answer is kept beside it, and given back with it."""

import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from ragthrift import Passage, Scope
from ragthrift.cache import Answer, Fresh, SemanticCache, SqliteStore
from ragthrift.cache.schema import VERSION
from ragthrift.testing import FakeEmbedder
from tests.cache.fakes import ServeNear

SCOPE = Scope.of(tenant="acme")
ASKED = "When does the canteen open?"
NEAR = "When does our canteen open today?"
SOURCES = b"\x00the handbook, page 4"


def make(path: Path, key: bytes | None = None) -> SemanticCache:
    store = SqliteStore(path, key=key)
    return SemanticCache(FakeEmbedder(), store=store, policy=ServeNear(0.6), on_error="raise")


def model(question: str, passages: Sequence[Passage]) -> Fresh:
    return Fresh("At nine.", extra=SOURCES)


def extra_of(cache: SemanticCache, question: str) -> bytes | None:
    entry = cache.find(question, scope=SCOPE).entry
    return entry.extra if entry else None


@pytest.mark.parametrize("key", [None, Fernet.generate_key()])
def test_it_comes_back_with_the_answer(tmp_path: Path, key: bytes | None) -> None:
    with make(tmp_path / "c.db", key) as cache:
        answer = cache.answer(ASKED, model, scope=SCOPE)
        assert answer.fresh is not None
        assert answer.fresh.extra == SOURCES
    with make(tmp_path / "c.db", key) as again:
        assert extra_of(again, ASKED) == SOURCES
        assert extra_of(again, NEAR) == SOURCES
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert (SOURCES in written) is (key is None)


def test_an_answer_without_one_has_none(tmp_path: Path) -> None:
    with make(tmp_path / "c.db") as cache:
        cache.store(ASKED, "At nine.", scope=SCOPE)
        assert extra_of(cache, ASKED) == b""


@pytest.mark.parametrize("damage", ["NULL", "x'00'"])
def test_a_changed_one_is_not_served(tmp_path: Path, damage: str) -> None:
    with make(tmp_path / "c.db") as cache:
        cache.answer(ASKED, model, scope=SCOPE)
        with sqlite3.connect(tmp_path / "c.db") as file:
            file.execute(f"UPDATE entries SET extra = {damage}")
        assert cache.lookup(ASKED, scope=SCOPE) is None


def test_who_waits_gets_it_too(tmp_path: Path) -> None:
    with make(tmp_path / "c.db") as cache, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: cache.answer(ASKED, model, scope=SCOPE), range(8)))
    assert {answer.extra for answer in answers} == {SOURCES}


def test_a_stream_ends_with_its_answer(tmp_path: Path) -> None:
    def streamed(question: str, passages: Sequence[Passage]) -> Iterator[str | Fresh]:
        yield from ("At ", "nine.")
        yield Fresh("", extra=SOURCES)

    def read(question: str) -> tuple[str, Answer]:
        source, text = cache.stream(question, streamed, scope=SCOPE), ""
        while True:
            try:
                text += next(source)
            except StopIteration as end:
                return text, end.value

    with make(tmp_path / "c.db") as cache:
        for question, expected in ((ASKED, "model"), (ASKED, "exact"), (NEAR, "semantic")):
            text, answer = read(question)
            assert (text, answer.text, answer.source) == ("At nine.", "At nine.", expected)
            assert answer.extra == SOURCES


def test_a_file_of_the_first_version_is_read_on(tmp_path: Path) -> None:
    with make(tmp_path / "c.db") as cache:
        cache.store(ASKED, "At nine.", scope=SCOPE)
    file = sqlite3.connect(tmp_path / "c.db")
    file.execute("ALTER TABLE entries DROP COLUMN extra")
    file.execute("PRAGMA user_version=1")
    file.commit()
    file.close()
    with make(tmp_path / "c.db") as cache:
        assert extra_of(cache, ASKED) == b""
        cache.answer("How many does the lift hold?", model, scope=SCOPE)
        assert extra_of(cache, "How many does the lift hold?") == SOURCES
    with sqlite3.connect(tmp_path / "c.db") as file:
        assert file.execute("PRAGMA user_version").fetchone() == (VERSION,)
