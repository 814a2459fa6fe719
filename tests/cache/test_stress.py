"""Threads and processes with eviction and invalidation running: nothing stale, nothing foreign."""

import ast
import threading
from collections import Counter
from pathlib import Path

import pytest

from ragthrift.cache import SemanticCache
from tests.cache.processes import started
from tests.cache.traffic import Traffic, change, journal, open_cache

SOURCES = {"model", "exact", "semantic", "flight"}


def check(seen: Counter[str], changes: int) -> None:
    assert set(seen) <= SOURCES, seen
    assert seen["exact"] > 50, f"too few hits to tell anything: {seen}"
    assert seen["semantic"] > 5, seen
    assert seen["model"] > 20, seen
    assert changes > 20


def asked_by_threads(folder: Path, seconds: float, *, versions: bool) -> Traffic:
    """Eight threads ask while documents change; what they got is checked."""
    traffic = Traffic(folder, versions=versions)
    changes: list[int] = []
    changer = threading.Thread(
        target=lambda: changes.append(change(folder, traffic.cache, seconds, versions=versions))
    )
    changer.start()
    seen = traffic.run(seconds, threads=8, seed=1)
    changer.join()
    check(seen, changes[0])
    return traffic


def asked_by_processes(
    folder: Path, seconds: float, count: int, *, versions: bool
) -> SemanticCache:
    """The same by several processes."""
    cache = open_cache(folder)
    asker = ["-m", "tests.cache.traffic", str(folder), str(seconds)]
    kind = "versions" if versions else "none"
    seen: Counter[str] = Counter()
    with started([[*asker, str(seed), kind] for seed in range(count)]) as askers:
        changes = change(folder, cache, seconds, versions=versions)
        for each in askers:
            out, _ = each.communicate(timeout=60)
            assert each.returncode == 0
            seen.update(ast.literal_eval(out))
    check(seen, changes)
    return cache


@pytest.mark.parametrize("versions", [False, True])
def test_threads(tmp_path: Path, versions: bool) -> None:
    journal(tmp_path)[:] = 0
    traffic = asked_by_threads(tmp_path, 3, versions=versions)
    assert traffic.cache._store.counts()["evicted"] > 0


@pytest.mark.parametrize("versions", [True, False])
def test_processes(tmp_path: Path, versions: bool) -> None:
    journal(tmp_path)[:] = 0
    cache = asked_by_processes(tmp_path, 6, 8, versions=versions)
    assert cache._store.size()[0] <= 12
