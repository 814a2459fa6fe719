"""Which configurations a run tries: the plain application, or the user's own, under each lever."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from importlib.resources import files
from inspect import Parameter, signature
from pathlib import Path

from ragthrift import InputError
from ragthrift_bench.attempts import Application
from ragthrift_bench.configurations import Configuration, ablation
from ragthrift_bench.fingerprint import folder_hash, packages_hash
from ragthrift_bench.levers import LEVERS, find_lever
from ragthrift_bench.models.named import Named
from ragthrift_bench.named import OwnFunction, own_function
from ragthrift_bench.observation import ObservedLLM, timed
from ragthrift_bench.pipelines import application
from ragthrift_bench.rag import Lever, Parts, rag


@dataclass(frozen=True, slots=True)
class Levers:
    """The levers of a run, found but not made."""

    made: dict[str, Callable[[], Lever]]
    keys: dict[str, str]

    @classmethod
    def of(cls, specs: Sequence[str]) -> "Levers":
        """Find levers by their names. Raises InputError for two of one name."""
        found = [find_lever(spec) for spec in specs or LEVERS]
        ablation([name for name, _, _ in found])
        return cls({name: make for name, _, make in found}, {name: key for name, key, _ in found})

    def pull(self, names: Sequence[str], parts: Parts) -> Parts:
        """The parts with these levers."""
        for name in names:
            parts = self.made[name]()(parts)
        return parts

    def key(self, names: Sequence[str]) -> str:
        """Says everything about these levers, in order."""
        return f"[{' '.join(self.keys[name] for name in names)}]"


def plain_configurations(
    llm: Named | None, parts: Parts, levers: Levers, generations: Path
) -> list[Configuration]:
    """The plain RAG application under every combination of levers."""
    asked = ObservedLLM(llm.open(generations)) if llm else None
    model = llm.key if llm else "none"
    limits = f"{parts.prompt} {parts.max_tokens} {parts.stop}"
    common = f"plain {model} {sha256(limits.encode()).hexdigest()} {_code()}"

    def build(names: tuple[str, ...]) -> Application:
        return rag(levers.pull(names, replace(parts, llm=asked)))

    return [
        Configuration(name, used, partial(build, used), f"{common} {levers.key(used)}")
        for name, used in ablation(list(levers.made)).items()
    ]


def own_configurations(specs: Sequence[str], levers: Levers) -> list[Configuration]:
    """The user's own pipelines.

    A function without parameters is one configuration. One that takes `steps` is built under every
    combination of levers, and gives its steps to a compressor or a postprocessor of ragthrift.
    """
    found = []
    for spec in specs:
        name, _, place = spec.rpartition("=")
        function = own_function(place)
        found += _configurations(name or function.name, function, levers, alone=len(specs) == 1)
    return found


def _configurations(
    name: str, function: OwnFunction, levers: Levers, *, alone: bool
) -> list[Configuration]:
    key = f"{function.spec} {function.code} {_code()}"
    if not _takes_steps(function):
        return [Configuration(name, (), lambda: application(function()), key)]

    def build(names: tuple[str, ...]) -> Application:
        steps = levers.pull(names, Parts(llm=None)).steps
        return application(function([timed(part) for part in steps]))

    return [
        Configuration(
            under if alone else f"{name}, {under}",
            used,
            partial(build, used),
            f"{key} {levers.key(used)}",
        )
        for under, used in ablation(list(levers.made)).items()
    ]


def _takes_steps(function: OwnFunction) -> bool:
    needed = [
        parameter.name
        for parameter in signature(function.function).parameters.values()
        if parameter.default is Parameter.empty
        and parameter.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    ]
    if needed not in ([], ["steps"]):
        raise InputError(
            f"{function.spec} needs {', '.join(needed)}; a pipeline's function takes nothing, or "
            "steps, the list of what passages go through"
        )
    return bool(needed)


def _code() -> str:
    """A hash of ragthrift itself and of every installed package."""
    packages = files("ragthrift"), files("ragthrift_bench")
    return f"{folder_hash(*(Path(str(package)) for package in packages))} {packages_hash()}"
