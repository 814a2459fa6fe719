"""What every benchmark command has: its arguments, its files, its last line."""

import argparse
import gzip
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ragthrift.machine import available_cpus

SHARED = Path("../shared/data")
"""Where evaluation files lie; they are never part of the project."""


def parser(description: str) -> argparse.ArgumentParser:
    """A parser with the arguments that all commands take."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--seed", type=int, default=0, help="for every random choice")
    arguments.add_argument("--limit", type=int, help="use only the first N questions")
    arguments.add_argument("--json", action="store_true", help="print only the last line")
    return arguments


def existing(text: str) -> Path:
    """A file that is there; argparse prints the message and stops otherwise."""
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(
            f"no file {path}; it is not part of the project: name your own, of the format that "
            "benchmarks/README.md describes"
        )
    return path


def read_text(path: Path) -> str:
    """The text of a file; `.gz` is unpacked."""
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")


def say(quiet: bool, *lines: str) -> None:
    """Print for people, unless only the last line is wanted."""
    if not quiet:
        print(*lines, sep="\n", flush=True)


def finish(result: Mapping[str, Any]) -> None:
    """Print the result as the last line, with what the machine lent."""
    print(json.dumps({**result, "cpus": available_cpus(), "python": sys.version.split()[0]}))


def share(part: int, whole: int) -> float:
    """A share of 4 digits; 0 of nothing."""
    return round(part / whole, 4) if whole else 0.0


def quantiles(name: str, seconds: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile in milliseconds."""
    p50, p95 = np.quantile(seconds, (0.5, 0.95)) * 1000
    return {f"{name}_p50_ms": round(float(p50), 3), f"{name}_p95_ms": round(float(p95), 3)}
