"""What a cache did, read from its file."""

import json
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from typer.testing import CliRunner

from ragthrift import InputError, Scope
from ragthrift.cache import SemanticCache, SqliteStore, cache_report
from ragthrift.cache.command import cache as command
from ragthrift.testing import FakeEmbedder
from tests.cache.fakes import Model, ServeNear

SCOPE = Scope.of(tenant="acme")
ASKED = "When does the canteen open?"
NEAR = "When does our canteen open today?"


def used(path: Path, *, audit: bool = False, shadow: bool = False) -> None:
    store = SqliteStore(path, key=Fernet.generate_key())
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


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no cache"):
        cache_report(tmp_path / "c.db")
    run = CliRunner().invoke(command, ["report", str(tmp_path / "c.db")])
    assert run.exit_code == 2
    assert not (tmp_path / "c.db").exists()
