"""The guide to `ragthrift.testing` holds: its blocks run as they stand."""

import re
import subprocess
import sys
from pathlib import Path

import ragthrift.testing

GUIDE = Path(__file__).parents[2] / "docs" / "testing.md"
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)


def named(block: str) -> str:
    found = re.match(r"# (\w+\.py)\n", block)
    return found[1] if found else ""


def test_the_example_reranker_passes_its_contract(tmp_path: Path) -> None:
    for block in BLOCKS:
        if named(block):
            (tmp_path / named(block)).write_text(block)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "test_short_first.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rules = [name for name in vars(ragthrift.testing.RerankerContract) if name.startswith("test_")]
    assert f"{len(rules)} passed" in done.stdout


def test_a_failure_says_what_the_guide_says() -> None:
    (block,) = (block for block in BLOCKS if named(block) == "careless.py")
    printed = subprocess.check_output([sys.executable, "-c", block], text=True)
    (promised,) = re.findall(r"print\(error\)  # (.*)", block)
    assert printed.strip() == promised


def test_the_other_blocks_run() -> None:
    others = [block for block in BLOCKS if not named(block)]
    assert len(others) == 2
    for block in others:
        subprocess.run([sys.executable, "-c", block], check=True)


def test_the_guide_names_everything_public_and_every_attribute() -> None:
    text = GUIDE.read_text()
    for name in ragthrift.testing.__all__:
        assert f"`{name}" in text, name
        if name.endswith("Contract"):
            for attribute, value in vars(getattr(ragthrift.testing, name)).items():
                if not attribute.startswith("_") and not callable(value):
                    assert f"`{attribute}`" in text, f"{name}.{attribute}"
