"""What a cache did, read from its file or its server."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from typer.testing import CliRunner

from ragthrift import InputError, Scope
from ragthrift.cache import RedisStore, SemanticCache, SqliteStore, Store, cache_report
from ragthrift.cache.command import cache as command
from ragthrift.testing import FakeEmbedder
from tests.cache.fakes import Model, ServeNear
from tests.cache.servers import Server, free_port

SCOPE = Scope.of(tenant="acme")
ASKED = "When does the canteen open?"
NEAR = "When does our canteen open today?"


def used(path: Path, *, audit: bool = False, shadow: bool = False) -> None:
    use(SqliteStore(path, key=Fernet.generate_key()), audit=audit, shadow=shadow)


def use(store: Store, *, audit: bool = False, shadow: bool = False) -> None:
    policy = ServeNear(0.6, audit=audit)
    with SemanticCache(FakeEmbedder(), store=store, policy=policy, shadow=shadow) as cache:
        for question, said in ((ASKED, "At nine."), (ASKED, "At nine."), (NEAR, "At ten.")):
            cache.answer(question, Model(said), scope=SCOPE)
        cache.answer("Who is Ann?", Model(""), scope=SCOPE)


def test_hits_are_counted(tmp_path: Path) -> None:
    used(tmp_path / "c.db")
    found = cache_report(tmp_path / "c.db")
    assert (found.entries, found.hits_exact, found.hits_semantic, found.misses) == (1, 1, 1, 2)
    assert found.tokens_saved == 4
    assert found.notes == (("not_stored_empty", 1),)
    assert found.shadow is None
    assert "50.0% served" in str(found)


def test_audits_say_how_wrong(tmp_path: Path) -> None:
    used(tmp_path / "c.db", audit=True)
    found = cache_report(tmp_path / "c.db")
    assert (found.audits, found.audits_wrong, found.hits_semantic, found.misses) == (1, 1, 0, 3)
    assert found.wrong_of_hits.rate == 1.0
    assert found.wrong_of_hits.low > 0.1
    assert "100.00% of 1 audited servings wrong" in str(found)


def test_shadow_mode_says_what_it_would_have_served(tmp_path: Path) -> None:
    used(tmp_path / "c.db", shadow=True)
    shadow = cache_report(tmp_path / "c.db").shadow
    assert shadow
    assert (shadow.requests, shadow.would_serve, shadow.judged, shadow.wrong) == (4, 2, 2, 1)


def test_the_command_prints_it(tmp_path: Path) -> None:
    used(tmp_path / "c.db")
    run = CliRunner().invoke(command, ["report", str(tmp_path / "c.db"), "--json"])
    assert run.exit_code == 0
    assert json.loads(run.stdout)["hits_semantic"] == 1
    run = CliRunner().invoke(command, ["report", str(tmp_path / "c.db")])
    assert "1 in the same words, 1 in others" in run.stdout


@pytest.mark.parametrize("key", [None, Fernet.generate_key()])
def test_a_server_is_reported_on_without_its_key(
    server: Server, prefix: str, key: bytes | None, tmp_path: Path
) -> None:
    for shadow in (False, True):
        name = f"{prefix}{shadow}"
        use(RedisStore(server.url, prefix=name, key=key), audit=not shadow, shadow=shadow)
        used(tmp_path / f"{shadow}.db", audit=not shadow, shadow=shadow)
        found, same = cache_report(server.url, prefix=name), cache_report(tmp_path / f"{shadow}.db")
        assert replace(found, bytes=0) == replace(same, bytes=0)
        assert found.bytes > 0
    run = CliRunner().invoke(command, ["report", server.url, "--prefix", f"{prefix}False"])
    assert run.exit_code == 0
    assert "100.00% of 1 audited servings wrong" in run.stdout


def test_a_report_changes_nothing_on_the_server(server: Server, prefix: str) -> None:
    use(RedisStore(server.url, prefix=prefix))

    def everything() -> dict[bytes, bytes | None]:
        with server.client as client:
            return {key: client.dump(key) for key in client.scan_iter(f"{{{prefix}*")}

    before = everything()
    cache_report(server.url, prefix=prefix)
    with pytest.raises(InputError, match="no cache under the prefix"):
        cache_report(server.url, prefix=f"{prefix}2")
    assert everything() == before


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"redis://127.0.0.1:{free_port()}", "cannot be read"),
        ("postgres://127.0.0.1", "postgres://127.0.0.1"),
        ("redis://127.0.0.1:port", "redis://127.0.0.1:port"),
    ],
)
def test_a_server_that_is_not_there_is_one_line(url: str, said: str) -> None:
    run = CliRunner().invoke(command, ["report", url])
    assert (run.exit_code, run.stderr.count("\n")) == (2, 1)
    assert said in run.stderr


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no cache"):
        cache_report(tmp_path / "c.db")
    run = CliRunner().invoke(command, ["report", str(tmp_path / "c.db")])
    assert run.exit_code == 2
    assert not (tmp_path / "c.db").exists()
