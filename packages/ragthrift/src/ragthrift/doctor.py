"""`ragthrift doctor`: what is installed, what is missing, how fast this machine is."""

import json
import platform
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragthrift.errors import MissingExtraError, ModelError
from ragthrift.machine import available_cpus

if TYPE_CHECKING:
    from packaging.requirements import Requirement

DISTRIBUTIONS = (
    "ragthrift",
    "ragthrift-models",
    "ragthrift-bench",
    "langchain-ragthrift",
    "llama-index-ragthrift",
)
_SECONDS = 0.5
_TEXT = "The canteen opens at nine, and soup is served from noon until it is gone. " * 4


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional part of a distribution, and what it lacks."""

    name: str
    """As pip takes it: "ragthrift[cache]", or the distribution alone."""
    missing: tuple[str, ...]
    """Requirements that are not met, with the version that is there: "redis>=5 (4.6)"."""

    @property
    def install(self) -> str:
        """The command that would mend it."""
        return f'pip install "{self.name}"'


@dataclass(frozen=True, slots=True)
class Checkup:
    """What `ragthrift doctor` found."""

    python: str
    system: str
    cpus: int
    """That this process may use, a container's quota considered."""
    extras: tuple[Extra, ...]
    speeds: dict[str, float | None]
    """By what is done in a second; `None` where a part is not installed or does not work."""


def checkup() -> Checkup:
    """Look at the packages, and measure for about two seconds."""
    return Checkup(
        platform.python_version(),
        platform.platform(),
        available_cpus(),
        tuple(extra for name in DISTRIBUTIONS for extra in _extras(name)),
        {"texts_embedded": _embedding_speed(), "sqlite_commits": _commit_speed()},
    )


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """What is installed, what is missing, and how fast this machine is."""
    found = checkup()
    if as_json:
        typer.echo(json.dumps(asdict(found)))
        return
    typer.echo(f"Python {found.python} on {found.system}, {found.cpus} CPUs")
    for extra in found.extras:
        lacks = ", ".join(extra.missing)
        typer.echo(f"  {extra.name:34} {f'lacks {lacks}: {extra.install}' if lacks else 'ready'}")
    for name, speed in found.speeds.items():
        shown = "not installed" if speed is None else f"{speed:,.0f} a second"
        typer.echo(f"  {name.replace('_', ' '):34} {shown}")


def _extras(name: str) -> Iterator[Extra]:
    """The distribution itself, if it is installed, and each of its extras."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        yield Extra(name, (name,))
        return
    requirements = _requirements(found)
    yield Extra(name, _lacking(requirements, ""))
    for extra in sorted(found.metadata.get_all("Provides-Extra") or ()):
        yield Extra(f"{name}[{extra}]", _lacking(requirements, extra))


def _requirements(found: Distribution) -> "list[Requirement]":
    from packaging.requirements import Requirement

    return [Requirement(line) for line in found.requires or ()]


def _lacking(requirements: "list[Requirement]", extra: str) -> tuple[str, ...]:
    """Those of an extra that are not met; "" is the distribution without extras."""
    wanted = [
        requirement
        for requirement in requirements
        if (requirement.marker.evaluate({"extra": extra}) if requirement.marker else not extra)
        and not (extra and requirement.marker and requirement.marker.evaluate({"extra": ""}))
    ]
    return tuple(problem for one in wanted if (problem := _problem(one)))


def _problem(requirement: "Requirement") -> str:
    """What is wrong with the installed version, or ""."""
    named = f"{requirement.name}{requirement.specifier}"
    try:
        found = distribution(requirement.name)
    except PackageNotFoundError:
        return named
    if not requirement.specifier.contains(found.version, prereleases=True):
        return f"{named} ({found.version})"
    nested = [
        line for extra in requirement.extras for line in _lacking(_requirements(found), extra)
    ]
    return ", ".join(nested)


def _embedding_speed() -> float | None:
    """Texts of about 70 tokens that MiniLM reads in a second."""
    from ragthrift.embed import minilm

    try:
        embedder = minilm()
        embedder.embed([_TEXT])
    except (MissingExtraError, ModelError):
        return None
    done, started = 0, time.perf_counter()
    while (passed := time.perf_counter() - started) < _SECONDS:
        embedder.embed([f"{n} {_TEXT}" for n in range(done, done + 8)])
        done += 8
    return done / passed


def _commit_speed() -> float:
    """Rows written to a file in a second, each acknowledged alone."""
    with tempfile.TemporaryDirectory(prefix="ragthrift-") as folder:
        connection = sqlite3.connect(Path(folder) / "speed.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE row (value TEXT)")
        done, started = 0, time.perf_counter()
        while (passed := time.perf_counter() - started) < _SECONDS:
            connection.execute("INSERT INTO row VALUES (?)", (_TEXT,))
            done += 1
        connection.close()
    return done / passed
