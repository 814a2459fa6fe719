"""Where files that can be made again are kept."""

from pathlib import Path

import pytest

from ragthrift.folders import cache_folder


def test_our_own_variable_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGTHRIFT_CACHE", str(tmp_path / "ours"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "theirs"))
    assert cache_folder("models") == tmp_path / "ours" / "models"
    assert cache_folder("models").is_dir()


def test_the_users_cache_comes_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAGTHRIFT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder("models") == tmp_path / "ragthrift" / "models"


@pytest.mark.parametrize("unset", [True, False])
def test_the_home_folder_comes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unset: bool
) -> None:
    monkeypatch.delenv("RAGTHRIFT_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    if unset:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_folder("models") == tmp_path / ".cache" / "ragthrift" / "models"
