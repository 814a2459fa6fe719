"""Word-dropping by the `llmlingua` library, with what must not be dropped kept."""

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from ragthrift.compress.labels import dropped_pieces, without
from ragthrift.compress.llmlingua_model import load_llmlingua
from ragthrift.compress.llmlingua_words import ClassifiedWords, SurprisingWords, Words
from ragthrift.compress.protect import protected
from ragthrift.compress.sentences import Span
from ragthrift.compress.units import Unit, units
from ragthrift.errors import InputError
from ragthrift.types import Passage

if TYPE_CHECKING:
    from llmlingua import PromptCompressor

Method = Literal["llmlingua2", "llmlingua", "longllmlingua"]

_PROSE = frozenset({"sentence", "item"})
_LIST_MARK = re.compile(r"^[ \t]*(?:[^\w\s]|\w{1,3}[.)])(?=[ \t])", re.MULTILINE)
_MIN_FOUND = 0.8
"""Share of the model's words to be found in the text; below, its labels are not trusted."""


class LLMLinguaCompressor:
    """Drops words from each passage by `llmlingua`; every passage stays, none is glued to another.

    `model` is a hub name, a local folder or a loaded `PromptCompressor`: a token classifier for
    `method="llmlingua2"`, a causal model for `"llmlingua"` and `"longllmlingua"`. `rate` is the
    share of words that the model is asked to keep; what is protected comes on top.

    The model only says which words go: the text is written from its own characters. Numbers with
    their units, dates, negations, links, citations, code, tables and headings are never dropped,
    nor what `protect` matches. Where the model says nothing, the text stays. Needs the `llmlingua`
    extra; one call at a time.
    """

    def __init__(
        self,
        model: "str | PromptCompressor",
        *,
        rate: float = 0.5,
        method: Method = "llmlingua2",
        protect: Sequence[str] = (),
        device: str = "cpu",
    ) -> None:
        if not 0.01 <= rate <= 1:
            raise InputError(f"rate={rate} must be at least 0.01 and at most 1")
        if method not in ("llmlingua2", "llmlingua", "longllmlingua"):
            raise InputError(f"method={method!r} must be llmlingua2, llmlingua or longllmlingua")
        self._rate = rate
        self._protect = [re.compile(pattern) for pattern in protect]
        classify = method == "llmlingua2"
        compressor = load_llmlingua(model, device=device, classify=classify)
        self._words: Words
        if classify:
            self._words = ClassifiedWords(compressor, rate)
        else:
            self._words = SurprisingWords(compressor, rate, ask=method == "longllmlingua")
        self._lock = threading.Lock()

    def compress(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        """Every passage in its order, with fewer words."""
        return [self._shortened(query, passage) for passage in passages]

    def _shortened(self, query: str, passage: Passage) -> Passage:
        text = passage.text
        if self._rate == 1 or (len(text.split()) < 2 and text.isascii()):
            return passage
        cut = units(text)
        dropped = [span for run in _prose(cut) for span in self._dropped(query, text, *run)]
        kept = protected(text, [*self._protect, _LIST_MARK])
        safe = list(_apart(dropped, kept))
        shorter = without(text, _verified(text, cut, safe))
        return passage.with_text(shorter) if shorter.strip() and shorter != text else passage

    def _dropped(self, query: str, text: str, start: int, end: int) -> list[Span]:
        with self._lock:
            words = self._words(query, text[start:end])
        spans, found = dropped_pieces(text[start:end], words)
        return [(start + a, start + b) for a, b in spans] if found >= _MIN_FOUND else []


def _prose(cut: Sequence[Unit]) -> Iterator[Span]:
    """Runs of sentences and list items: what stands between tables, code and headings."""
    for prose, run in groupby(cut, key=lambda unit: unit.kind in _PROSE):
        if prose:
            parts = list(run)
            yield parts[0].start, parts[-1].end


def _apart(spans: Iterable[Span], kept: Sequence[Span]) -> Iterator[Span]:
    """The spans that touch none of those to be kept; both in order.

    >>> list(_apart([(0, 3), (4, 7), (8, 9)], [(5, 6)]))
    [(0, 3), (8, 9)]
    """
    at = 0
    for start, end in spans:
        while at < len(kept) and kept[at][1] <= start:
            at += 1
        if at == len(kept) or end <= kept[at][0]:
            yield start, end


def _verified(text: str, cut: Sequence[Unit], dropped: Sequence[Span]) -> list[Span]:
    """The spans but for those of units that would lose something protected."""
    spans: list[Span] = []
    at = 0
    for unit in cut:
        first = at
        while at < len(dropped) and dropped[at][1] <= unit.end:
            at += 1
        own = [(a - unit.start, b - unit.start) for a, b in dropped[first:at]]
        if own and _keeps_all(text[unit.start : unit.end], own):
            spans += dropped[first:at]
    return spans


def _keeps_all(text: str, dropped: Sequence[Span]) -> bool:
    """Whether everything protected stands in what is left, in order and byte for byte."""
    left, at = without(text, dropped), 0
    for start, end in protected(text):
        found = left.find(text[start:end], at)
        if found < 0:
            return False
        at = found + end - start
    return True
