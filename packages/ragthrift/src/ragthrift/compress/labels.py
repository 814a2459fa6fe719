"""Kept words of a model found again in the text, so that the text's own characters are kept."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from ragthrift.compress.sentences import Span

Labelled = Sequence[tuple[str, bool]]
"""Words as a model wrote them, in order, each with whether it is kept."""

_ALONE = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_PIECE = re.compile(rf"[{_ALONE}][^\w\s]*|[^\s{_ALONE}]+")
"""What is kept or dropped whole: words up to a blank, or characters in scripts without blanks."""

_REACH = 120
"""How far ahead a word is looked for, in characters, before it counts as not found."""


def dropped_pieces(text: str, words: Labelled) -> tuple[list[Span], float]:
    """Spans of the pieces that lost every letter, and the share of words found in the text.

    The model's words may be in lower case, without accents, in compatibility forms or with their
    punctuation apart. A piece of which the model says nothing is not dropped.

    >>> text = "The Café opened  in Zürich."
    >>> words = [("the", False), ("cafe", True), ("opened", False), ("in", False), ("zurich", True)]
    >>> spans, found = dropped_pieces(text, words)
    >>> [text[start:end] for start, end in spans], found
    (['The', 'opened', 'in'], 1.0)
    """
    stream, places = _folded(text)
    said: dict[int, bool] = {}
    cursor = found = 0
    for word, kept in words:
        plain, _ = _folded(word)
        at = stream.find(plain, cursor, cursor + len(plain) + _REACH) if plain else -1
        if at < 0:
            continue
        found += 1
        for place in places[at : at + len(plain)]:
            said[place] = said.get(place, False) or kept
        cursor = at + len(plain)
    spoken = sum(1 for word, _ in words if _folded(word)[0])
    pieces = [match.span() for match in _PIECE.finditer(text)]
    dropped = [(a, b) for a, b in pieces if _is_dropped(text, said, a, b)]
    return dropped, found / spoken if spoken else 0.0


def _is_dropped(text: str, said: dict[int, bool], start: int, end: int) -> bool:
    """Whether something was said of the piece, and none of its letters is kept.

    A kept full stop alone does not keep the word before it.
    """
    known = [place for place in range(start, end) if place in said]
    letters = [place for place in known if text[place].isalnum()]
    return bool(known) and not any(said[place] for place in letters or known)


def _folded(text: str) -> tuple[str, list[int]]:
    """The text without blanks, case, accents and compatibility forms; where each letter stood."""
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        if character.isascii():
            plain = character.lower()
        else:
            plain = unicodedata.normalize("NFKD", character).casefold()
        for letter in plain:
            if not letter.isspace() and not unicodedata.combining(letter):
                letters.append(letter)
                places.append(place)
    return "".join(letters), places


def without(text: str, dropped: Iterable[Span]) -> str:
    r"""The text without some spans; what stood apart stays apart.

    Of the blanks around what is left out, one stands in its place: the one with most newlines.

    >>> without("One two\nthree, four.", [(4, 7), (15, 20)])
    'One\nthree,'
    """
    parts: list[str] = []
    end, blanks = 0, [""]
    for start, stop in [*dropped, (len(text), len(text))]:
        piece = text[end:start]
        kept = piece.strip()
        blanks.append(piece[: len(piece) - len(piece.lstrip())])
        if kept:
            if parts or not end:
                parts.append(max(reversed(blanks), key=_worth))
            parts.append(kept)
            blanks = [piece[len(piece.rstrip()) :]]
        end = stop
    return "".join(parts)


def _worth(blank: str) -> tuple[int, bool]:
    return blank.count("\n"), bool(blank)
