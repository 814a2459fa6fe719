"""The site builds: every page is reachable, every link and reference leads somewhere."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_site_builds_strictly(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "NO_MKDOCS_2_WARNING": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    cache = (tmp_path / "reference" / "ragthrift-cache" / "index.html").read_text()
    assert "SemanticCache" in cache
    assert "&gt;&gt;&gt;" in cache, "doctests are shown as code"


def test_every_public_package_has_a_page_of_reference() -> None:
    pages = {page.stem for page in (ROOT / "docs" / "reference").glob("*.md")}
    levers = (ROOT / "packages" / "ragthrift" / "src" / "ragthrift").glob("*/__init__.py")
    drawn_with = {"ragthrift-page"}  # what reports are made of, and nobody else
    public = {f"ragthrift-{file.parent.name}" for file in levers} - drawn_with
    assert public <= pages
