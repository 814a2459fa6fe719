"""Answers of redisvl's SemanticCache: from hashes as it writes them, and from the real library."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from ragthrift import InputError, Scope
from ragthrift.cache import SemanticCache
from ragthrift.cache.command import cache as command
from ragthrift.cache.migrate import Imported, from_redisvl
from ragthrift.testing import FakeEmbedder
from tests.cache.fakes import ServeNear

pytest.importorskip("redis", reason="needs ragthrift[redis]")
from tests.cache.servers import Server, running

SCOPE = Scope.of(tenant="acme")


@pytest.fixture(scope="module")
def module_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running("search", tmp_path_factory.mktemp("redisvl")) as started:
        yield started


@pytest.fixture
def theirs(module_server: Server) -> Iterator[Server]:
    with module_server.client as client:
        client.flushall()
        yield module_server


def add(
    server: Server,
    entry: str,
    prompt: str,
    response: str,
    *,
    index: str = "llmcache",
    updated: float = 1_764_054_398.5,
    metadata: dict[str, object] | None = None,
    **filters: str,
) -> None:
    """As redisvl 0.28 does."""
    kept: dict[Any, Any] = {"entry_id": entry, "prompt": prompt, "response": response, **filters}
    kept |= {"prompt_vector": np.full(4, np.nan, np.float32).tobytes()}
    kept |= {"inserted_at": updated, "updated_at": updated}
    kept |= {"metadata": json.dumps(metadata)} if metadata is not None else {}
    with server.client as client:
        client.hset(f"{index}:{entry}", mapping=kept)


def make() -> SemanticCache:
    return SemanticCache(FakeEmbedder(), policy=ServeNear(0.6), on_error="raise")


def served(cache: SemanticCache, question: str, scope: Scope = SCOPE) -> str | None:
    hit = cache.lookup(question, scope=scope)
    return hit.answer if hit else None


@pytest.mark.parametrize("by_url", [False, True])
def test_answers_are_served_in_these_words_and_others(theirs: Server, by_url: bool) -> None:
    add(theirs, "a", "When is soup served?", "At noon.", metadata={"page": 3})
    add(theirs, "b", "Soup with caf\u00e9?", "N\u00e9.")
    add(theirs, "c", "Of another cache?", "Yes.", index="llmcache2")
    cache = make()
    with theirs.client as client:
        given = theirs.url if by_url else client
        assert from_redisvl(given, "llmcache", cache, scope=SCOPE) == Imported(2, {})
    assert served(cache, "When is soup served today?") == "At noon."
    assert served(cache, "Soup with caf\u00e9?") == "N\u00e9."
    assert served(cache, "Of another cache?") is None


def test_what_cannot_be_taken_over_is_counted(theirs: Server) -> None:
    add(theirs, "a", "When is soup served?", "At noon.")
    add(theirs, "b", "When is soup served?", "At eleven.", updated=1_700_000_000.0)
    add(theirs, "c", "Who painted the door?", "I don't know.")
    with theirs.client as client:
        client.hset("llmcache:d", "text", "something else")
        client.set("llmcache:e", "no hash")
    cache = make()
    assert from_redisvl(theirs.url, "llmcache", cache, scope=SCOPE) == Imported(
        1,
        {
            "no prompt and response": 1,
            "not_stored_refusal": 1,
            "the cache has an answer to the same question": 1,
        },
    )
    assert served(cache, "When is soup served?") == "At noon."


def test_what_was_kept_apart_stays_apart(theirs: Server) -> None:
    add(theirs, "a", "When is soup served?", "At noon.", tenant="acme")
    add(theirs, "b", "When is soup served?", "At one.", tenant="globex", metadata={"page": 3})
    why = "kept apart by tenant: pass scope= as a function of it"
    assert from_redisvl(theirs.url, "llmcache", make(), scope=SCOPE) == Imported(0, {why: 2})
    seen: list[object] = []

    def scope(fields: Any) -> Scope:
        seen.append(fields)
        return Scope.of(tenant=fields["tenant"])

    cache = make()
    assert from_redisvl(theirs.url, "llmcache", cache, scope=scope) == Imported(2, {})
    assert served(cache, "When is soup served?") == "At noon."
    assert served(cache, "When is soup served?", Scope.of(tenant="globex")) == "At one."
    assert {"tenant": "globex", "metadata": {"page": 3}} in seen


def test_nothing_there_is_said(theirs: Server) -> None:
    add(theirs, "a", "When is soup served?", "At noon.", index="cache[1]")
    with pytest.raises(InputError, match="no hashes under llmcache"):
        from_redisvl(theirs.url, "llmcache", make(), scope=SCOPE)
    assert from_redisvl(theirs.url, "cache[1]", make(), scope=SCOPE).imported == 1
    with pytest.raises(InputError, match="no Redis client"):
        from_redisvl(7, "llmcache", make(), scope=SCOPE)


def test_the_command(theirs: Server, tmp_path: Path) -> None:
    add(theirs, "a", "When is soup served?", "At noon.", index="mine")
    options = ["--into", str(tmp_path / "c.db"), "--scope", "tenant=acme", "--exact"]
    given = ["import", "redisvl", theirs.url, "--index", "mine", *options]
    run = CliRunner().invoke(command, given)
    assert (run.exit_code, run.stdout) == (0, "1 answers imported\n")
    with SemanticCache(None, store=tmp_path / "c.db") as cache:
        assert served(cache, "when is soup served") == "At noon."


def test_a_cache_of_the_real_library(theirs: Server) -> None:
    llm = pytest.importorskip("redisvl.extensions.cache.llm", reason="redisvl is not installed")
    vectorize = pytest.importorskip("redisvl.utils.vectorize")
    by_length = vectorize.CustomVectorizer(lambda text: [float(len(text)), 1.0, 2.0, 3.0])
    real = llm.SemanticCache(
        name="real",
        redis_url=theirs.url,
        vectorizer=by_length,
        filterable_fields=[{"name": "tenant", "type": "tag"}],
        ttl=600,
    )
    real.store("When is soup served?", "At noon.", filters={"tenant": "acme"}, metadata={"page": 3})
    real.store("When does the canteen open?", "At nine.", filters={"tenant": "globex"})
    cache = make()
    found = from_redisvl(
        theirs.url, "real", cache, scope=lambda fields: Scope.of(tenant=str(fields["tenant"]))
    )
    assert found == Imported(2, {})
    assert served(cache, "When is soup served?") == "At noon."
    assert served(cache, "When does the canteen open?") is None
