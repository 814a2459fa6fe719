"""Levers that take away from one another what they save, or answer one failure twice."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragthrift.route.checks import truncated

if TYPE_CHECKING:
    from ragthrift.stack.levers import Levers


@dataclass(frozen=True, slots=True)
class Fight:
    """Two levers that should not be together as they are."""

    levers: tuple[str, str]
    reason: str
    instead: str
    """What to do."""

    def __str__(self) -> str:
        return f"{' and '.join(self.levers)}: {self.reason}; {self.instead}"


def fights(levers: "Levers") -> list[Fight]:
    """All of them; none for levers that get along."""
    return [fight for look in _LOOKS if (fight := look(levers))]


def _compressed_beginning(levers: "Levers") -> Fight | None:
    """Documents that a cache should serve again, shortened differently for each question."""
    layout = levers.layout
    if levers.compress is None or layout is None or layout.rules.style == "none":
        return None
    if not (layout.hot or layout.documents == "before_history"):
        return None
    return Fight(
        ("compress", "layout"),
        "documents are shortened for each question anew, so that those at the beginning of the "
        "prompt are never the same and are written to the cache each time",
        "leave documents with the question (PromptLayout without hot documents), or leave "
        "compress out",
    )


def _two_remedies(levers: "Levers") -> Fight | None:
    """A cut answer that is both asked for again and handed to a dearer model."""
    if levers.router is None or levers.output is None:
        return None
    if truncated not in levers.router.checks:
        return None
    return Fight(
        ("router", "output"),
        "an answer that meets the budget's limit goes to a dearer model, which meets the same "
        "limit",
        "take the check out: Router(checks=[c for c in CHECKS if c is not truncated]); the budget "
        "raises a limit that is met too often",
    )


def _another_models_rules(levers: "Levers") -> Fight | None:
    """Breakpoints planned with the minimum and the prices of a model that no tier is."""
    router, layout = levers.router, levers.layout
    if router is None or layout is None or not (layout.rules.marked and layout.rules.name):
        return None
    models = [tier.model for tier in router.tiers]
    if layout.rules.name in models:
        return None
    return Fight(
        ("router", "layout"),
        f"the layout is planned by the rules of {layout.rules.name}, and the router's tiers are "
        + ", ".join(models),
        "plan for the tier that answers most: PromptLayout(rules_for(tier.model))",
    )


_LOOKS: tuple[Callable[["Levers"], Fight | None], ...] = (
    _compressed_beginning,
    _two_remedies,
    _another_models_rules,
)
