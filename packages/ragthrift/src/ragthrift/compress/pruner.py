"""Ranking and pruning from one reading."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragthrift.compress.compressor import HALF, UnitCompressor
from ragthrift.compress.evidence import EvidenceReader
from ragthrift.compress.limits import Limits
from ragthrift.compress.prefix import CachedPrefix
from ragthrift.compress.reading import PassageReader, Reading, checked, unit_values
from ragthrift.compress.report import Compression
from ragthrift.compress.selection import Cut
from ragthrift.errors import InputError
from ragthrift.protocols import TokenCounter
from ragthrift.types import Passage
from ragthrift.usage import Savings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class SentencePruner(UnitCompressor):
    """Keeps the sentences that a `PassageReader` finds worth keeping, over all passages.

    A unit is worth `keep ** (1 - w) * score ** w`, in [0, 1], where `score` is its passage's and
    `w` is `passage_weight`: an irrelevant passage may vanish while a good one stays whole. The
    default is the reader's own `passage_weight`, else a half; the default reader, `EvidenceReader`,
    has weighed its passages already and says 0.

    `compress` shortens. `rank_and_prune` is the step that also orders and scores, from the same
    single reading; `ranker.rank` only orders and scores. The pruner itself has no `rank`, since a
    pipeline would then take it for a reranker.
    """

    def __init__(
        self,
        reader: PassageReader | None = None,
        limits: Limits = HALF,
        *,
        passage_weight: float | None = None,
        token_counter: TokenCounter | None = None,
        antecedents: bool = False,
        elision: str = "",
        spans_key: str | None = None,
        keep_prefix_if: CachedPrefix | None = None,
    ) -> None:
        super().__init__(
            limits,
            token_counter=token_counter,
            antecedents=antecedents,
            elision=elision,
            spans_key=spans_key,
            keep_prefix_if=keep_prefix_if,
        )
        reader = EvidenceReader() if reader is None else reader
        if not isinstance(reader, PassageReader):
            raise InputError(f"{reader!r} is no reader: it needs read(query, passages)")
        self._weight = _weight_of(reader) if passage_weight is None else passage_weight
        if not 0 <= self._weight <= 1:
            raise InputError(f"passage_weight={passage_weight} must lie between 0 and 1")
        self.ranker = ReadingRanker(reader)

    def values(self, query: str, cuts: Sequence[Cut]) -> list["Floats"]:
        """In [0, 1], from one call of the reader."""
        readings = self.ranker.read(query, [cut.passage for cut in cuts])
        return self._values(readings, cuts)

    def rank_and_prune(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        """The kept passages, best first, with their new scores and what is left of their texts."""
        return self.explain_ranked(query, passages).passages

    def explain_ranked(self, query: str, passages: Sequence[Passage]) -> Compression:
        """The same, with the spans that were kept and the reason for each that was not."""
        if not passages:
            return Compression((), (), Savings(0, 0))
        readings = self.ranker.read(query, passages)
        order = best_first(readings)
        ranked = [passages[at].with_score(readings[at].score) for at in order]
        cuts = self._cut(ranked)
        return self._prune(cuts, self._values([readings[at] for at in order], cuts))

    def _values(self, readings: Sequence[Reading], cuts: Sequence[Cut]) -> list["Floats"]:
        return [
            unit_values(reading, cut.units) ** (1 - self._weight) * reading.score**self._weight
            for reading, cut in zip(readings, cuts, strict=True)
        ]


class ReadingRanker:
    """A reranker that goes by the scores of a `PassageReader`."""

    def __init__(self, reader: PassageReader) -> None:
        self._reader = reader

    def rank(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        """Every passage with its new score, best first."""
        readings = self.read(query, passages)
        return [passages[at].with_score(readings[at].score) for at in best_first(readings)]

    def read(self, query: str, passages: Sequence[Passage]) -> Sequence[Reading]:
        """What the reader says, checked; nothing to read is not an error."""
        return checked(self._reader.read(query, passages), passages) if passages else []


def best_first(readings: Sequence[Reading]) -> list[int]:
    """Positions by score; equal ones keep their order."""
    return sorted(range(len(readings)), key=lambda at: -readings[at].score)


def _weight_of(reader: PassageReader) -> float:
    return float(getattr(reader, "passage_weight", 0.5))
