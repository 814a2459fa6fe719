"""CPUs: what the process may use, not what the host has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ragthrift import machine
from ragthrift.machine import available_cpus


@pytest.fixture
def cgroup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is read in place of the system's, empty at first."""
    monkeypatch.setattr(machine, "_QUOTA_V2", tmp_path / "cpu.max")
    monkeypatch.setattr(machine, "_QUOTA_V1", tmp_path / "cpu.cfs_quota_us")
    monkeypatch.setattr(machine, "_PERIOD_V1", tmp_path / "cpu.cfs_period_us")
    return tmp_path


@pytest.fixture
def sixteen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that lets the process run on sixteen CPUs."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)), raising=False)


def test_this_machine_has_at_least_one() -> None:
    assert 1 <= available_cpus() <= (os.cpu_count() or 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_affinity_is_respected() -> None:
    code = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]);"
        "from ragthrift.machine import available_cpus; print(available_cpus())"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "1"


@pytest.mark.usefixtures("sixteen")
@pytest.mark.parametrize(
    ("quota", "cpus"),
    [
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("10000 100000", 1),
        ("9900000 100000", 16),
        ("max 100000", 16),
        ("", 16),
        ("what is this", 16),
    ],
)
def test_a_quota_of_cgroups_2_is_rounded_up(cgroup: Path, quota: str, cpus: int) -> None:
    (cgroup / "cpu.max").write_text(quota + "\n")
    assert available_cpus() == cpus


@pytest.mark.usefixtures("sixteen")
@pytest.mark.parametrize(("quota", "cpus"), [("300000", 3), ("-1", 16), ("250000", 3)])
def test_a_quota_of_cgroups_1_is_rounded_up(cgroup: Path, quota: str, cpus: int) -> None:
    (cgroup / "cpu.cfs_quota_us").write_text(quota)
    (cgroup / "cpu.cfs_period_us").write_text("100000")
    assert available_cpus() == cpus


@pytest.mark.usefixtures("sixteen", "cgroup")
def test_without_cgroups_the_affinity_counts() -> None:
    assert available_cpus() == 16


@pytest.mark.usefixtures("cgroup")
def test_without_affinity_the_host_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert available_cpus() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cpus() == 1
