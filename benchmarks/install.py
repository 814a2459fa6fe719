"""What each part weighs: `python -m benchmarks.install [--only NAME …]`.

Builds the wheels of this checkout and installs each distribution, and each extra of the library,
alone into a virtual environment of its own. `megabytes` is what lies there beyond pip itself,
`packages` how many distributions, `import_seconds` the best of three fresh imports. An extra that
needs PyTorch takes the build that is installed here as a constraint. PyTorch's extras take minutes.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

from benchmarks.shared import finish, parser, say

ROOT = Path(__file__).parents[1]
DISTRIBUTIONS = {
    "ragthrift": "packages/ragthrift",
    "ragthrift-models": "packages/ragthrift-models",
    "ragthrift-bench": "packages/ragthrift-bench",
    "langchain-ragthrift": "integrations/langchain",
    "llama-index-ragthrift": "integrations/llama-index",
}
_IMPORTS = 3


def parts() -> Iterator[tuple[str, str]]:
    """Each as pip takes it, and the module that is imported."""
    for name in DISTRIBUTIONS:
        yield name, name.replace("-", "_")
        for extra in sorted(metadata(name).get_all("Provides-Extra") or ()):
            yield f"{name}[{extra}]", name.replace("-", "_")


def built(folder: Path) -> Path:
    """The wheels of all distributions."""
    sources = [str(ROOT / path) for path in DISTRIBUTIONS.values()]
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder)]
    subprocess.run([*pip, *sources], check=True)
    return folder


def installed(name: str, module: str, wheels: Path) -> dict[str, Any]:
    """The figures of one part; what pip says where it does not install."""
    with tempfile.TemporaryDirectory(prefix="ragthrift-") as folder:
        place = Path(folder) / "env"
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        python = place / "bin" / "python"
        before = _bytes(place)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--find-links", str(wheels)]
        (Path(folder) / "pins.txt").write_text("torch==2.13.0\n")
        done = subprocess.run(
            [*pip, "--constraint", f"{folder}/pins.txt", name],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            return {"error": done.stderr.strip().splitlines()[-1][:200]}
        listed = subprocess.run(
            [str(python), "-m", "pip", "list", "--format", "json"],
            check=True,
            capture_output=True,
            text=True,
        )
        others = [one for one in json.loads(listed.stdout) if one["name"] not in _WITH_PYTHON]
        return {
            "megabytes": round((_bytes(place) - before) / 1e6, 1),
            "packages": len(others),
            "import_seconds": round(min(_imported(python, module) for _ in range(_IMPORTS)), 2),
        }


_WITH_PYTHON = {"pip", "setuptools"}


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _imported(python: Path, module: str) -> float:
    """Seconds beyond those that Python takes to start."""
    seconds = []
    for code in ("pass", f"import {module}"):
        started = time.perf_counter()
        subprocess.run([str(python), "-c", code], check=True)
        seconds.append(time.perf_counter() - started)
    return seconds[1] - seconds[0]


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--only", nargs="+", help="these parts, such as ragthrift[cache]")
    chosen = arguments.parse_args()
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="ragthrift-") as folder:
        wheels = built(Path(folder))
        for name, module in parts():
            if chosen.only and name not in chosen.only:
                continue
            result[name] = installed(name, module, wheels)
            say(chosen.json, f"{name}: {result[name]}")
    finish(result)


if __name__ == "__main__":
    main()
