"""Functions of the user's own, named on the command line as `package.module:function`."""

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragthrift import InputError
from ragthrift_bench.fingerprint import imported_since, own_code_hash


@dataclass(frozen=True, slots=True)
class OwnFunction:
    """A function and what it is made of."""

    spec: str
    function: Callable[..., Any]
    code: str
    """A hash of its module and of what that imported, installed packages left out."""

    @property
    def name(self) -> str:
        """The function's own name."""
        return self.spec.rpartition(":")[2]

    def __call__(self, *arguments: object) -> Any:
        """What the function returns."""
        return self.function(*arguments)


def own_function(spec: str) -> OwnFunction:
    """Import a function; modules are looked for in the working directory too.

    Raises InputError when the name is not of the form `package.module:function`, or when there is
    no such module or function. What the module itself raises goes through.
    """
    module_name, _, name = spec.partition(":")
    if not name.isidentifier() or not all(part.isidentifier() for part in module_name.split(".")):
        raise InputError(f"{spec!r} should be of the form package.module:function")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    before = set(sys.modules)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise InputError(f"no module {module_name!r} in {here} or among the installed") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise InputError(f"{module_name} has no function {name!r}")
    return OwnFunction(spec, function, own_code_hash([module, *imported_since(before)]))
