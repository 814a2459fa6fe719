"""`ragthrift doctor` on this environment, and on one that lacks things."""

import json
import subprocess
import sys
from pathlib import Path

from ragthrift.doctor import checkup

LIBRARY = Path(__file__).parents[2] / "packages" / "ragthrift" / "src"


def test_what_is_installed_here_is_ready() -> None:
    found = checkup()
    extras = {extra.name: extra.missing for extra in found.extras}
    assert extras["ragthrift"] == ()
    assert extras["ragthrift[embedded]"] == ()
    assert extras["langchain-ragthrift"] == ()
    assert found.speeds["texts_embedded"]
    assert found.speeds["sqlite_commits"]
    assert found.cpus >= 1


def test_what_is_missing_or_too_old_is_named(tmp_path: Path) -> None:
    """A folder of its own stands for an environment with an old client and nothing else."""
    _installed(
        tmp_path,
        "ragthrift",
        "9.0",
        "Provides-Extra: redis",
        "Provides-Extra: cache",
        "Requires-Dist: redis>=5 ; extra == 'redis'",
        "Requires-Dist: faiss-not-there>=1.8 ; extra == 'cache'",
    )
    _installed(tmp_path, "redis", "4.6")
    script = (
        "import sys, json\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "from ragthrift.doctor import _extras\n"
        "print(json.dumps({e.name: [e.missing, e.install] for e in _extras('ragthrift')}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    found = json.loads(done.stdout)
    assert found["ragthrift[redis]"] == [["redis>=5 (4.6)"], 'pip install "ragthrift[redis]"']
    assert found["ragthrift[cache]"][0] == ["faiss-not-there>=1.8"]
    assert found["ragthrift"][0] == []


def test_the_command_prints_lines_or_json() -> None:
    command = [sys.executable, "-m", "ragthrift", "doctor"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "ragthrift[embedded]" in said
    assert "texts embedded" in said
    told = subprocess.run([*command, "--json"], check=True, capture_output=True, text=True).stdout
    assert json.loads(told)["cpus"] >= 1


def _installed(folder: Path, name: str, version: str, *lines: str) -> None:
    notes = folder / f"{name}-{version}.dist-info"
    notes.mkdir()
    head = ("Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}")
    (notes / "METADATA").write_text("\n".join((*head, *lines)) + "\n")
