"""In what order kept passages reach the prompt."""

from collections.abc import Callable, Sequence
from typing import Literal

from ragthrift.types import Passage

Order = Literal["score", "canonical", "best_first_and_last"]


def arrange(passages: Sequence[Passage], order: Order) -> list[Passage]:
    """Passages that come best first, put in another order."""
    return _ORDERS[order](passages)


def _canonical(passages: Sequence[Passage]) -> list[Passage]:
    """By id: the same passages give the same bytes, so a provider's prompt cache can hit."""
    return sorted(passages, key=lambda passage: passage.id)


def _best_first_and_last(passages: Sequence[Passage]) -> list[Passage]:
    """Best at both ends, worst in the middle, where models look least (Liu et al., 2023)."""
    return [*passages[::2], *reversed(passages[1::2])]


_ORDERS: dict[Order, Callable[[Sequence[Passage]], list[Passage]]] = {
    "score": list,
    "canonical": _canonical,
    "best_first_and_last": _best_first_and_last,
}
ORDERS = tuple(_ORDERS)
