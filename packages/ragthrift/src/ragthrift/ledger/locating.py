"""Where documents stand in a prompt."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Found:
    """A document's place in a text."""

    start: int
    end: int
    document: int
    """Its index among those that were looked for."""


def located(text: str, documents: Sequence[str]) -> list[Found]:
    """The places of documents in a text, in order and apart; each document once at most.

    A document is looked for letter by letter, and where it is not there, word by word: a template
    may have indented it or broken its lines anew. The longest come first, so that one that is part
    of another is not taken for it.

    >>> located("Use this:  Soup is  at noon. Why?", ["Soup is at  noon."])
    [Found(start=11, end=28, document=0)]
    """
    taken: list[Found] = []
    missed: list[int] = []
    order = sorted(range(len(documents)), key=lambda at: -len(documents[at]))
    for at in order:
        wanted = documents[at].strip()
        if not wanted:
            continue
        place = _free(taken, _exact(text, wanted))
        if place:
            taken.append(Found(*place, at))
        else:
            missed.append(at)
    if missed and text:
        _add_by_words(text, documents, missed, taken)
    return sorted(taken, key=lambda found: found.start)


def _exact(text: str, wanted: str) -> Iterable[tuple[int, int]]:
    start = text.find(wanted)
    while start >= 0:
        yield start, start + len(wanted)
        start = text.find(wanted, start + 1)


def _free(taken: Sequence[Found], places: Iterable[tuple[int, int]]) -> tuple[int, int] | None:
    for start, end in places:
        if all(end <= other.start or start >= other.end for other in taken):
            return start, end
    return None


def _add_by_words(
    text: str, documents: Sequence[str], missed: Sequence[int], taken: list[Found]
) -> None:
    """Look for the missed ones where every run of white space is one space."""
    spaced = " ".join(text.split())
    wanted = {index: " ".join(documents[index].split()) for index in missed}
    found = [index for index in missed if wanted[index] in spaced]
    if not found:  # as where a long document was cut in two: there is nothing to place
        return
    words = [match.span() for match in _WORD.finditer(text)]
    starts = list(accumulate((end - start + 1 for start, end in words[:-1]), initial=0))

    def at(position: int) -> int:
        """Where a place of the spaced words is in the text."""
        word = bisect_right(starts, position) - 1
        return words[word][0] + position - starts[word]

    for index in found:
        spans = ((at(start), at(end - 1) + 1) for start, end in _exact(spaced, wanted[index]))
        place = _free(taken, spans)
        if place:
            taken.append(Found(*place, index))
