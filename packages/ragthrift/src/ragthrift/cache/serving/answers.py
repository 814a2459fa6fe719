"""Whether two answers say the same."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ragthrift.cache.serving.pairs import alike, opposites, unmatched
from ragthrift.cache.serving.wording import Wording, take_apart

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Embed = Callable[[Sequence[str]], NDArray[np.float32]]

AnswersAgree = Callable[[str, str], "bool | None"]
"""`(fresh, stored) -> bool`, or `None` when it cannot tell."""

SAME_WORDS = 0.8
OTHER_WORDS = 0.15
SAME_MEANING = 0.85
OTHER_MEANING = 0.45
"""Shares of common words, and cosines, from which answers are the same or up to which they differ.

Set by judgement, not fitted: between them the answer is `None`, never a guess.
"""

_SHORT = 60


def answers_agree(a: str, b: str, embed: "Embed | None" = None) -> bool | None:
    """Whether two answers say the same; `None` when neither words nor vectors settle it.

    What must be equal comes first: numbers, identifiers, dates, negation and names. Then words,
    then the cosine of `embed([a, b])`.

    >>> answers_agree("It opens at 9 on Monday.", "On Monday it opens at 9.")
    True
    >>> answers_agree("It opens at 9.", "It opens at 10.")
    False
    >>> answers_agree("Ask at the front desk.", "Call the number on the invoice.") is None
    False
    """
    if " ".join(a.split()).casefold() == " ".join(b.split()).casefold():
        return True
    one, other = take_apart(a), take_apart(b)
    if not one.topic or not other.topic:
        return _bare(one, other)
    if _contradict(one, other):
        return False
    left = sum(map(len, _left(one, other)))
    shared = 1 - left / (len(one.topic) + len(other.topic))
    if shared >= SAME_WORDS and one.negations % 2 == other.negations % 2:
        return True
    if embed is None:
        return False if shared <= OTHER_WORDS else None
    return _by_meaning(a, b, embed)


def _bare(one: Wording, other: Wording) -> bool | None:
    """Answers of numbers or of yes and no alone."""
    if one.negations % 2 != other.negations % 2:
        return False
    if one.topic or other.topic:
        return None
    if one.quantities != other.quantities or one.identifiers != other.identifiers:
        return False
    return bool(one.tokens == other.tokens or one.quantities)


def _contradict(one: Wording, other: Wording) -> bool:
    for mine, theirs in (
        (one.quantities, other.quantities),
        (one.identifiers, other.identifiers),
        (one.calendar, other.calendar),
    ):
        if mine and theirs and not (mine <= theirs or theirs <= mine):
            return True
    rest_one, rest_other = _left(one, other)
    if one.names & set(rest_one) and other.names & set(rest_other):
        return True
    if max(len(one.topic), len(other.topic)) > _SHORT or not alike(one, other):
        return False
    return (one.negations - other.negations) % 2 == 1 or opposites(one, other)


def _left(one: Wording, other: Wording) -> tuple[list[str], list[str]]:
    """Words without a counterpart; long answers forgo synonyms and misspellings, which cost n²."""
    if len(one.topic) * len(other.topic) <= _SHORT * _SHORT:
        return unmatched(one, other)
    mine, theirs = set(one.topic), set(other.topic)
    return [w for w in one.topic if w not in theirs], [w for w in other.topic if w not in mine]


def _by_meaning(a: str, b: str, embed: "Embed") -> bool | None:
    import numpy as np

    first, second = np.asarray(embed([a, b]), dtype=float)
    cosine = float(first @ second / max(np.linalg.norm(first) * np.linalg.norm(second), 1e-12))
    if cosine >= SAME_MEANING:
        return True
    return False if cosine <= OTHER_MEANING else None
