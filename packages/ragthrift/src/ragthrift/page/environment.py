"""What pages are set with: templates of a report, and those that all reports share."""

from typing import TYPE_CHECKING

from ragthrift.errors import missing_extra

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(package: str) -> "Environment":
    """For the templates of a package; `page.css` and `parts.html.j2` are there for all.

    `parts.html.j2` needs the global `icon` where a cell has a verdict.
    """
    try:
        from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        missing_extra("audit", "jinja2", error)
    found = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("ragthrift.page")]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    found.filters["tight"] = _tight
    return found


def _tight(text: str) -> str:
    """Prose whose percent signs stay with their numbers."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")
