"""Which levers are tried together: every one alone, all, and all but one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ragthrift import InputError
from ragthrift_bench.attempts import Application

BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class Configuration:
    """A named way to answer."""

    name: str
    levers: tuple[str, ...]
    build: Callable[[], Application]
    """Called once, and only when a question is not answered yet: loading models takes time."""
    key: str = ""
    """Says everything that changes its answers but its name, its levers and the case."""


def ablation(levers: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Names of configurations and their levers: baseline, each alone, all, all but one.

    >>> list(ablation(["rerank", "compress"]))
    ['baseline', 'rerank', 'compress', 'all']
    >>> [*ablation(["a", "b", "c"])][4:]
    ['all', 'all-but-a', 'all-but-b', 'all-but-c']
    """
    if len(set(levers)) < len(levers):
        raise InputError(f"a lever is named twice in {', '.join(levers)}")
    chosen: dict[str, tuple[str, ...]] = {BASELINE: ()}
    chosen |= {lever: (lever,) for lever in levers}
    if len(levers) > 1:
        chosen["all"] = tuple(levers)
    if len(levers) > 2:
        chosen |= {
            f"all-but-{lever}": tuple(other for other in levers if other != lever)
            for lever in levers
        }
    return chosen
