"""Where sentences end, by rules: no model, no download, one pass over the text."""

import re
from collections.abc import Iterator

from ragthrift.compress.abbreviations import (
    BEFORE_NAMES,
    BEFORE_NUMBERS,
    MAYBE_LAST,
    STARTERS,
)

Span = tuple[int, int]
"""Start and end in characters, the end not included."""

LONGEST = 1200
"""Characters; what is longer has no sentence ends worth waiting for, as in a raw transcript."""

_CLOSING = r"""["'”’»)\]）」』】*_]*(?:\[[\d,–-]+\])*"""  # noqa: RUF001
_END = re.compile(
    rf"(?P<always>[。！？｡؟۔।॥]+{_CLOSING})|(?P<mark>[.!?…]+){_CLOSING}(?=\s|\Z)|(?P<newline>\n)"  # noqa: RUF001
)
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘]+\Z")  # noqa: RUF001
_NEXT_WORD = re.compile(r"""\s*["'“‘(\[*_]*(\w+|\S)?""")  # noqa: RUF001
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]\.")
_BLANK = re.compile(r"\s+")


def sentences(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """Spans of the sentences in `text[start:end]`, without the blanks between them.

    >>> text = "Dr. Ann paid $3.50 to J. Doe. He left... at 5 p.m. sharp!"
    >>> [text[a:b] for a, b in sentences(text)]
    ['Dr. Ann paid $3.50 to J. Doe.', 'He left... at 5 p.m. sharp!']
    """
    end = len(text) if end is None else end
    pieces = _pieces(text, start, end)
    short = (part for piece in pieces for part in _short_enough(text, *piece))
    return [span for part in short if (span := _trim(text, *part)) is not None]


def _pieces(text: str, start: int, end: int) -> Iterator[Span]:
    wrapped = _is_wrapped(text[start:end])
    begin = start
    for match in _END.finditer(text, start, end):
        if _ends(text, match, begin, end, wrapped=wrapped):
            yield begin, match.end()
            begin = match.end()
    yield begin, end


def _ends(text: str, match: re.Match[str], begin: int, end: int, *, wrapped: bool) -> bool:
    if match["always"]:
        return True
    following = _NEXT_WORD.match(text, match.end(), min(end, match.end() + 200))
    word = following[1] if following and following[1] else ""
    if not word:
        return True
    if match["newline"]:
        return not wrapped and not word[0].islower()
    if word[0].islower():
        return False
    if match["mark"] == ".":
        return _full_stop_ends(text[max(begin, match.start() - 40) : match.start() + 1], word)
    return True


def _full_stop_ends(before: str, word: str) -> bool:
    """Whether a sentence ends at the full stop that `before` ends with and `word` follows."""
    found = _LAST_WORD.search(before)
    last = found[0] if found else before
    stem = last[:-1].lower()
    opens = word.lower() in STARTERS
    if stem in BEFORE_NAMES:
        return False
    if stem in BEFORE_NUMBERS:
        return not word[0].isdigit()
    if stem.isdigit() and last == before.strip() and len(stem) <= 3:
        return False  # the number of a list item
    if stem in MAYBE_LAST:
        return opens
    return opens or not _INITIALS.fullmatch(last)


def _is_wrapped(text: str) -> bool:
    """Whether newlines stand at a line width, so that they end no sentence."""
    lengths = [len(line) for line in text.strip().split("\n")[:-1]]
    return len(lengths) > 1 and min(lengths) >= 55 and max(lengths) - min(lengths) <= 30


def _trim(text: str, begin: int, stop: int) -> Span | None:
    piece = text[begin:stop]
    kept = piece.strip()
    if not kept:
        return None
    begin += len(piece) - len(piece.lstrip())
    return begin, begin + len(kept)


def _short_enough(text: str, begin: int, stop: int) -> Iterator[Span]:
    """Cut an endless sentence at blanks; one without blanks, as a number or a key, stays whole."""
    while stop - begin > LONGEST:
        blanks = list(_BLANK.finditer(text, begin + LONGEST // 2, begin + LONGEST))
        blank = blanks[-1] if blanks else _BLANK.search(text, begin + LONGEST, stop)
        if blank is None:
            break
        yield begin, blank.start()
        begin = blank.end()
    yield begin, stop
