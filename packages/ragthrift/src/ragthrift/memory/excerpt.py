"""The parts of a long message that a question is about."""

import math
import re
from dataclasses import replace
from itertools import pairwise

from ragthrift.lexical import Bm25
from ragthrift.memory.content_words import content_text
from ragthrift.memory.turn import FRAME_TOKENS, Turn

GAP = "…"
_BREAK = re.compile(r"(?<=[.!?;])\s+|\n+|(?<=[}\]]),\s*(?=[{\[])")
"""Ends of sentences and lines, and of the entries of a JSON list, which tools answer in."""
_LONGEST = 400
"""Characters of a part: a text without any ends is cut between words."""
_MIN_SHARE = 0.5
"""Of the best part's score."""
_WORD_END = re.compile(rf".{{1,{_LONGEST}}}(?:\s+|$)|.{{{_LONGEST}}}", re.DOTALL)


def excerpt(turn: Turn, query: str, max_tokens: int) -> Turn | None:
    r"""The turn with those parts of its text, word for word, that hold most of the query's words.

    `None` if none does, or none fits. Its tokens are estimated from those of the whole.

    >>> from ragthrift.types import Message
    >>> menu = Message("tool", "Soup is hot.\nCake is sweet.\nBread is new.", tool_call_id="a")
    >>> excerpt(Turn("b", menu, 19, 0.0), "How is the cake?", 12).message.content
    '… Cake is sweet. …'
    """
    text = turn.message.content
    parts = _parts(text)
    scores = Bm25([text[start:end] for start, end in parts]).scores(content_text(query))
    by_char = max(turn.tokens - FRAME_TOKENS, 1) / max(len(text), 1)
    kept: list[int] = []
    tokens = FRAME_TOKENS + 1
    for at in (-scores).argsort(kind="stable"):
        start, end = parts[at]
        cost = math.ceil((end - start) * by_char) + 1
        if scores[at] > _MIN_SHARE * scores.max() and tokens + cost <= max_tokens:
            kept.append(int(at))
            tokens += cost
    if not kept:
        return None
    short = _joined(text, parts, sorted(kept))
    return replace(turn, message=replace(turn.message, content=short), tokens=tokens)


def _parts(text: str) -> list[tuple[int, int]]:
    """Start and end of each part, blanks around it left out."""
    ends = [0, *(found.end() for found in _BREAK.finditer(text)), len(text)]
    pieces = [
        (start + found.start(), start + found.end())
        for start, end in pairwise(ends)
        for found in _WORD_END.finditer(text[start:end])
    ]
    bare = [(start, start + len(text[start:end].rstrip())) for start, end in pieces]
    return [(start, end) for start, end in bare if end > start]


def _joined(text: str, parts: list[tuple[int, int]], kept: list[int]) -> str:
    """The parts in their order, with a mark where something is left out."""
    shown = [GAP] if kept[0] > 0 else []
    for before, at in zip([kept[0] - 1, *kept], kept, strict=False):
        start, end = parts[at]
        shown += [GAP, text[start:end]] if at > before + 1 else [text[start:end]]
    return " ".join([*shown, GAP] if kept[-1] < len(parts) - 1 else shown)
