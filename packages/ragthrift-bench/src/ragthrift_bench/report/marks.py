"""One shape for every verdict, so that no meaning hangs on colour alone."""

from ragthrift.page.svg import tag
from ragthrift_bench.comparison import Verdict

BASELINE = "baseline"
VERDICTS: tuple[Verdict, ...] = (
    "saves, non-inferior",
    "inconclusive",
    "saves, inferior",
    "costs more",
)


def mark(verdict: str, x: float = 0.0, y: float = 0.0, radius: float = 6.0) -> str:
    """The verdict's shape around a point."""
    r = radius
    if verdict == "saves, non-inferior":
        return tag("circle", cx=x, cy=y, r=r, class_="mark good")
    if verdict == "inconclusive":
        return _closed(
            ((x, y - r * 1.2), (x + r * 1.2, y), (x, y + r * 1.2), (x - r * 1.2, y)), "open"
        )
    if verdict == "saves, inferior":
        return _closed(
            ((x - r * 1.1, y - r * 0.9), (x + r * 1.1, y - r * 0.9), (x, y + r * 1.1)), "solid"
        )
    if verdict == "costs more":
        side = r * 0.9
        corners = (
            (x - side, y - side),
            (x + side, y - side),
            (x + side, y + side),
            (x - side, y + side),
        )
        return _closed(corners, "solid")
    ring = tag("circle", cx=x, cy=y, r=r, class_="mark open")
    return ring + tag("circle", cx=x, cy=y, r=r / 3, class_="mark solid")


def icon(verdict: str) -> str:
    """The shape beside words that say the same, so it is silent for screen readers."""
    return tag("svg", mark(verdict), class_="icon", viewBox="-8 -8 16 16", aria_hidden="true")


def _closed(corners: tuple[tuple[float, float], ...], kind: str) -> str:
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return tag("polygon", points=places, class_=f"mark {kind}")
