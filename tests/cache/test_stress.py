"""Threads and processes with eviction and invalidation running: nothing stale, nothing foreign."""

import ast
import threading
from collections import Counter
from pathlib import Path

import pytest

from tests.cache.processes import started
from tests.cache.traffic import Traffic, change, journal, open_cache

SOURCES = {"model", "exact", "semantic", "flight"}


def check(seen: Counter[str], changes: int) -> None:
    assert set(seen) <= SOURCES, seen
    assert seen["exact"] > 50, f"too few hits to tell anything: {seen}"
    assert seen["semantic"] > 5, seen
    assert seen["model"] > 20, seen
    assert changes > 20


@pytest.mark.parametrize("versions", [False, True])
def test_threads(tmp_path: Path, versions: bool) -> None:
    journal(tmp_path)[:] = 0
    traffic = Traffic(tmp_path, versions=versions)
    changes: list[int] = []
    changer = threading.Thread(
        target=lambda: changes.append(change(tmp_path, traffic.cache, 3, versions=versions))
    )
    changer.start()
    seen = traffic.run(3, threads=8, seed=1)
    changer.join()
    check(seen, changes[0])
    assert traffic.cache._store.counts()["evicted"] > 0


@pytest.mark.parametrize("versions", ["versions", "none"])
def test_processes(tmp_path: Path, versions: str) -> None:
    journal(tmp_path)[:] = 0
    cache = open_cache(tmp_path)
    asker = ["-m", "tests.cache.traffic", str(tmp_path), "6"]
    seen: Counter[str] = Counter()
    with started([[*asker, str(seed), versions] for seed in range(4)]) as askers:
        changes = change(tmp_path, cache, 6, versions=versions == "versions")
        for each in askers:
            out, _ = each.communicate(timeout=60)
            assert each.returncode == 0
            seen.update(ast.literal_eval(out))
    check(seen, changes)
    assert cache._store.size()[0] <= 12
