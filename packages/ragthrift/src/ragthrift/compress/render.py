"""Kept units written out again, character by character as they stood."""

from collections.abc import Iterable, Sequence

from ragthrift.compress.sentences import Span
from ragthrift.compress.units import Unit


def kept_spans(cut: Sequence[Unit], kept: Iterable[int]) -> list[Span]:
    """The spans of the kept units; neighbours make one span, with what stands between them.

    >>> cut = [Unit(0, 4, "sentence"), Unit(5, 9, "sentence"), Unit(10, 14, "sentence")]
    >>> kept_spans(cut, {0, 1}), kept_spans(cut, {0, 2})
    ([(0, 9)], [(0, 4), (10, 14)])
    """
    spans: list[Span] = []
    last = None
    for at in sorted(kept):
        if last is not None and at == last + 1:
            spans[-1] = spans[-1][0], cut[at].end
        else:
            spans.append((cut[at].start, cut[at].end))
        last = at
    return spans


def write(text: str, cut: Sequence[Unit], kept: Sequence[int], elision: str = "") -> str:
    r"""The kept units in order.

    Between neighbours stands what stood there; where something is left out, one of the blanks of
    the gap stands: the one with most newlines, else the last. An `elision` mark goes before it if
    it is shorter than what was left out.

    >>> text = "# Hall\n\nOpen. Closed. Bar."
    >>> cut = [Unit(0, 6, "heading"), Unit(8, 13, "sentence"), Unit(14, 21, "sentence"),
    ...        Unit(22, 26, "sentence")]
    >>> write(text, cut, [0, 3])
    '# Hall\n\nBar.'
    >>> write(text, cut, [0, 1, 3], elision=" […]")
    '# Hall\n\nOpen. […] Bar.'
    """
    if len(kept) == len(cut):
        return text
    parts: list[str] = []
    last = None
    for at in kept:
        if last is not None:
            parts.append(_between(text, cut, last, at, elision))
        parts.append(text[cut[at].start : cut[at].end])
        last = at
    return "".join(parts)


def _between(text: str, cut: Sequence[Unit], last: int, at: int, elision: str) -> str:
    blanks = [text[cut[i].end : cut[i + 1].start] for i in range(last, at)]
    blank = max(reversed(blanks), key=lambda blank: blank.count("\n"))
    left_out = cut[at].start - cut[last].end - len(blank)
    return elision + blank if at > last + 1 and len(elision) < left_out else blank
