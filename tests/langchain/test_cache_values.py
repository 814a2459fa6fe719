"""Answers of a cache in LangChain's own stores."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from langchain_classic.storage import LocalFileStore
from langchain_core.messages import AIMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.stores import BaseStore, InMemoryByteStore

from langchain_ragthrift import ByteStoreValues, SemanticCache
from ragthrift.cache import Capacity, SqliteStore
from ragthrift.testing import FakeEmbedder
from tests.langchain.talking import ASKED, NEAR, TalkingModel, settings

Bytes = BaseStore[str, bytes]


@pytest.fixture(params=["memory", "files"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Bytes:
    return InMemoryByteStore() if request.param == "memory" else LocalFileStore(tmp_path / "kept")


def make(path: Path, kept: Bytes, **more: Any) -> SemanticCache:
    store = SqliteStore(path / "c.db", values=ByteStoreValues(kept), **more)
    return SemanticCache(FakeEmbedder(), store=store, **settings())


def wrapped(cache: SemanticCache, model: TalkingModel) -> Any:
    chain = ChatPromptTemplate.from_template("{question}") | model
    return cache.wrap(chain, question="question", scope={"tenant": "acme"})


@pytest.mark.parametrize("key", [None, Fernet.generate_key()])
def test_messages_come_back_from_it(tmp_path: Path, kept: Bytes, key: bytes | None) -> None:
    model = TalkingModel()
    with make(tmp_path, kept, key=key) as cache:
        wrapped(cache, model).invoke({"question": ASKED})
    (name,) = kept.yield_keys()
    (value,) = kept.mget([name])
    assert value is not None
    assert (b"At nine, sharp." in value) is (key is None)
    assert b"At nine" not in b"".join(f.read_bytes() for f in tmp_path.glob("c.db*"))
    with make(tmp_path, kept, key=key) as cache:
        for question in (ASKED, NEAR):
            served = wrapped(cache, model).invoke({"question": question})
            assert isinstance(served, AIMessage)
            assert served.content == "At nine, sharp."
    assert model.calls == 1


def test_what_it_lost_is_asked_again(tmp_path: Path, kept: Bytes) -> None:
    model = TalkingModel()
    with make(tmp_path, kept) as cache:
        for _ in range(2):
            wrapped(cache, model).invoke({"question": ASKED})
        kept.mdelete(list(kept.yield_keys()))
        for question in (ASKED, NEAR):
            assert wrapped(cache, model).invoke({"question": question}).text == "At nine, sharp."
    assert model.calls == 2


def test_what_the_cache_removes_is_deleted_there(tmp_path: Path, kept: Bytes) -> None:
    model = TalkingModel()
    with make(tmp_path, kept, capacity=Capacity(max_entries=2)) as cache:
        for question in (ASKED, "Who holds the lift?", "Which bus goes north?", "May dogs come?"):
            wrapped(cache, model).invoke({"question": question})
        assert model.calls == 4
        assert len(list(kept.yield_keys())) == 2
        cache.clear()
        assert not list(kept.yield_keys())
