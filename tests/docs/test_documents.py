"""Every ```python block in the README and the guides runs; ```py blocks need what CI lacks."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("packages/*/README.md")),
    *sorted(ROOT.glob("integrations/*/README.md")),
]
BLOCK = re.compile(r"^```(python|py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def _blocks(document: Path, kind: str) -> list[str]:
    return [code for found, code in BLOCK.findall(document.read_text()) if found == kind]


@pytest.mark.parametrize(
    "document",
    [document for document in DOCUMENTS if _blocks(document, "python")],
    ids=lambda document: str(document.relative_to(ROOT)),
)
def test_blocks_run_in_order(document: Path, tmp_path: Path) -> None:
    script = "\n".join(_blocks(document, "python"))
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, f"{document}:\n{done.stderr[-3000:]}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: str(d.relative_to(ROOT)))
def test_blocks_that_are_not_run_compile_at_least(document: Path) -> None:
    for code in _blocks(document, "py"):
        compile(code, str(document), "exec")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: str(d.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text()):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize("example", sorted(ROOT.glob("examples/*.py")), ids=lambda path: path.name)
def test_examples_run(example: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(example)],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip(), "an example shows what it did"
