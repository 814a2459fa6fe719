"""Which questions of a file are asked when not all are."""

import random
from collections.abc import Sequence
from typing import TypeVar

from ragthrift import InputError

T = TypeVar("T")


def draw(items: Sequence[T], limit: int | None, seed: int) -> list[T]:
    """`limit` items by chance, in their order; a larger limit adds to those of a smaller one.

    So answers that a short run paid for are used again by a longer one.

    >>> few, more = draw(range(100), 3, seed=7), draw(range(100), 6, seed=7)
    >>> few, set(few) <= set(more)
    ([25, 33, 99], True)
    """
    most = checked(limit)
    order = list(range(len(items)))
    if most is None or most >= len(order):
        return list(items)
    random.Random(seed).shuffle(order)
    return [items[at] for at in sorted(order[:most])]


def checked(limit: int | None) -> int | None:
    """The limit; an InputError where it would leave nothing to ask."""
    if limit is not None and limit < 1:
        raise InputError(f"limit={limit} must be at least 1; leave it out to ask every question")
    return limit
