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
    ([2, 79, 90], True)
    """
    if limit is not None and limit < 1:
        raise InputError(f"limit={limit} must be at least 1; leave it out to ask every question")
    order = list(range(len(items)))
    if limit is None or limit >= len(order):
        return list(items)
    random.Random(seed).shuffle(order)
    return [items[at] for at in sorted(order[:limit])]
