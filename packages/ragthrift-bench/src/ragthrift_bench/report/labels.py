"""Names beside points: none on another name, on a point, or off the paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin

_DISTANCES = (11, 15, 20, 28, 38, 50, 66, 84)
_DIRECTIONS = tuple(number * pi / 4 for number in range(8))

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle from its upper left corner."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height

    def overlaps(self, other: "Box") -> bool:
        """Whether the two share any area."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def within(self, other: "Box") -> bool:
        """Whether nothing of it sticks out."""
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.top >= other.top
            and self.bottom <= other.bottom
        )

    def nearest(self, place: Place) -> Place:
        """Its point closest to a place."""
        x, y = place
        return min(max(x, self.left), self.right), min(max(y, self.top), self.bottom)


def placed(
    points: Sequence[Place],
    sizes: Sequence[tuple[float, float]],
    paper: Box,
    *,
    taken: Sequence[Box] = (),
    clutter: Sequence[Box] = (),
    insist: bool = False,
) -> list[Box] | None:
    """A box of the given size nearest to its own point, or `None` where they do not all fit.

    `taken` must stay free; `clutter` (lines) is kept free as far as possible. Points with the
    least room around them choose first. With `insist` the least overlap is taken over none.
    """
    found: dict[int, Box] = {}
    for number in sorted(range(len(points)), key=lambda number: _room(points, number)):
        fixed = [*taken, *found.values()]
        inside = [box for box in _candidates(points[number], sizes[number]) if box.within(paper)]
        free = [
            box
            for box in inside
            if not any(box.overlaps(other) for other in fixed) and _belongs(box, points, number)
        ]
        if insist and not free:
            least = min(sum(box.overlaps(other) for other in fixed) for box in inside)
            free = [box for box in inside if sum(box.overlaps(other) for other in fixed) == least]
        if not free:
            return None
        found[number] = min(free, key=lambda box: _cost(box, points[number], clutter))
    return [found[number] for number in range(len(points))]


def _room(points: Sequence[Place], number: int) -> float:
    x, y = points[number]
    others = [hypot(x - u, y - v) for index, (u, v) in enumerate(points) if index != number]
    return min(others, default=0.0)


def _candidates(point: Place, size: tuple[float, float]) -> list[Box]:
    """Boxes all around a point, the nearest first; right of it is liked best."""
    width, height = size
    boxes = []
    for distance in _DISTANCES:
        for direction in _DIRECTIONS:
            across, down = cos(direction), sin(direction)
            x, y = point[0] + distance * across, point[1] + distance * down
            boxes.append(
                Box(x - width * (1 - across) / 2, y - height * (1 - down) / 2, width, height)
            )
    return boxes


def _belongs(box: Box, points: Sequence[Place], number: int) -> bool:
    """Whether a reader would give it to its own point: no other one is as near."""
    own = _gap(box, points[number])
    others = (_gap(box, point) for index, point in enumerate(points) if index != number)
    return all(other > own + 2 for other in others)


def _gap(box: Box, point: Place) -> float:
    near = box.nearest(point)
    return hypot(near[0] - point[0], near[1] - point[1])


def _cost(box: Box, point: Place, clutter: Sequence[Box]) -> float:
    """Far from its point or over lines is bad."""
    return _gap(box, point) + 7 * sum(box.overlaps(other) for other in clutter)
