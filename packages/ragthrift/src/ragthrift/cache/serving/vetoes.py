"""Differences that forbid serving, however alike two questions are."""

from dataclasses import dataclass

from ragthrift.cache.serving.pairs import alike, opposites, reordered
from ragthrift.cache.serving.wording import wording

_APART = {
    "person": "person", "place": "place", "amount": "number", "frequency": "number",
    "duration": "number", "time": "number",
}  # fmt: skip
"""Kinds of question whose answers have nothing in common; how long and until when may have."""


@dataclass(frozen=True, slots=True)
class Vetoes:
    """What forbids serving. Each can be turned off; the model then weighs it as a feature.

    >>> Vetoes().against("Who won the World Cup in 2018?", "Who won the World Cup in 2014?")
    'the numbers, dates or units differ'
    >>> Vetoes().against("How many days of notice?", "How many weeks of notice?") is None
    False
    >>> Vetoes(numbers=False).against("the cup in 2018?", "the cup in 2014?") is None
    True
    """

    numbers: bool = True
    """Both questions have numbers, dates, units, versions or identifiers, and not the same, or ask
    how many of one unit and of another."""
    negation: bool = True
    """One question negates, or asks for the opposite of, what the other asks in the same words."""
    order: bool = True
    """The same words with two of them in each other's place: from A to B, from B to A."""
    kind: bool = True
    """One asks for a person, the other for a place, a number or a time."""

    def against(self, asked: str, stored: str) -> str | None:
        """Why the stored answer may not be served; `None` when nothing forbids it."""
        a, b = wording(asked), wording(stored)
        if self.numbers and (
            (a.quantities and b.quantities and a.quantities != b.quantities)
            or (a.measure and b.measure and a.measure != b.measure)
            or a.identifiers != b.identifiers
        ):
            return "the numbers, dates or units differ"
        if self.kind and len({_APART.get(a.kind), _APART.get(b.kind)} - {None}) == 2:
            return "one asks for something else than the other"
        if self.order and reordered(a, b):
            return "two words have changed places"
        turned = a.negations % 2 != b.negations % 2 or opposites(a, b)
        if self.negation and turned and alike(a, b):
            return "one question negates the other"
        return None
