"""How wide text is before any browser has set it."""

import unicodedata

_NARROW = frozenset("iljtfrI.,:;|!'()[]{} -")
_WIDE = frozenset("mwMWQO@%&")


def text_width(text: str, size: float) -> float:
    """An upper estimate in the units of `size`: wide sans-serif faces were measured.

    >>> text_width("ill", 10) < text_width("ABC", 10) < text_width("漢字漢字", 10)
    True
    """
    return size * sum(_em(character) for character in text)


def _em(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if character in _NARROW:
        return 0.41
    if character in _WIDE:
        return 0.98
    return 0.72 if character.isupper() else 0.64


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Lines no wider than `width`, broken after spaces and hyphens where there are any.

    >>> wrapped("all-but-rerank", 60, 10)
    ['all-but-', 'rerank']
    """
    lines, current = [], ""
    for piece in _pieces(text, width, size):
        if current and text_width((current + piece).rstrip(), size) > width:
            lines.append(current.rstrip())
            current = ""
        current += piece
    return [*lines, current.rstrip()]


def _pieces(text: str, width: float, size: float) -> list[str]:
    """What must stay on one line; a word that is too wide is cut into characters."""
    pieces, current = [], ""
    for character in text:
        current += character
        if character in " -_/.":
            pieces.append(current)
            current = ""
    pieces.append(current)
    return [
        part
        for piece in pieces
        for part in ([piece] if text_width(piece.rstrip(), size) <= width else list(piece))
    ]
