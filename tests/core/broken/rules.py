"""Broken parts, filed under the rule that each of them breaks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Part = TypeVar("Part")
Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True)
class BrokenParts(Generic[Part, Function]):
    """Parts made from functions that do the part's one job wrongly."""

    from_function: Callable[[Function], Part]
    made: list[tuple[str, str, Callable[[], Part]]] = field(default_factory=list)
    """Rule, name, and how the part is made."""

    def breaking(self, rule: str) -> Callable[[Function], Function]:
        """File the part that the decorated function makes."""

        def file(function: Function) -> Function:
            name = getattr(function, "__name__", rule)
            self.made.append((rule, name, lambda: self.from_function(function)))
            return function

        return file

    def file(self, rule: str, part: Callable[[], Part]) -> None:
        """File a part that is more than one function."""
        self.made.append((rule, getattr(part, "__name__", rule), part))
