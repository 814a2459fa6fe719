"""Reading with a bi-encoder: any embedder, one batch for the query, passages and sentences."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragthrift.compress.extractive import lexical_scores
from ragthrift.compress.reading import Reading
from ragthrift.compress.units import Unit, units, with_needs
from ragthrift.embed import minilm
from ragthrift.errors import InputError
from ragthrift.protocols import Embedder
from ragthrift.types import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class EmbeddingReader:
    """Cosine similarity plus a share of matching words, for passages and for their units.

    Both are `(cosine + weight * words) / (1 + weight)` in [0, 1]. A unit is read behind the
    passage's `metadata["title"]`, or else its heading, and a table's row under its header: on 100
    questions of QED a title kept 10 points more answers at 4x. Long passages are read by their
    best unit where that is better than the whole.
    """

    def __init__(self, embedder: Embedder | None = None, *, lexical_weight: float = 0.2) -> None:
        if lexical_weight < 0:
            raise InputError(f"lexical_weight={lexical_weight} must not be negative")
        self._embedder = embedder or minilm()
        self._weight = lexical_weight

    def read(self, query: str, passages: Sequence[Passage]) -> list[Reading]:
        """One reading for each passage, over its units; the embedder is called once."""
        import numpy as np

        cuts = [units(passage.text) for passage in passages]
        parts = [
            _in_context(passage, cut, unit)
            for passage, cut in zip(passages, cuts, strict=True)
            for unit in cut
        ]
        texts = [passage.text for passage in passages]
        vectors = self._embedder.embed([query, *texts, *parts])
        cosines = np.asarray(vectors[1:] @ vectors[0], dtype=np.float64)
        whole = self._fused(cosines[: len(texts)], lexical_scores(query, texts))
        keep = self._fused(cosines[len(texts) :], lexical_scores(query, parts))
        ends = np.cumsum([len(cut) for cut in cuts])[:-1]
        return [
            Reading(float(max(score, values.max())), values, [(u.start, u.end) for u in cut])
            for score, values, cut in zip(whole, np.split(keep, ends), cuts, strict=True)
        ]

    def _fused(self, cosines: "Floats", lexical: "Floats") -> "Floats":
        import numpy as np

        return np.asarray((cosines.clip(0, 1) + self._weight * lexical) / (1 + self._weight))


def _in_context(passage: Passage, cut: Sequence[Unit], unit: Unit) -> str:
    """A unit's text with what it stands under."""
    own = passage.text[unit.start : unit.end]
    over = [cut[at] for at in sorted(with_needs(cut, unit.needs))]
    if unit.kind == "row":
        header = next(other for other in over if other.kind == "header")
        own = f"{passage.text[header.start : header.end]}\n{own}"
    headings = [other for other in over if other.kind == "heading"]
    title = passage.metadata.get("title")
    if not title and headings:
        title = passage.text[headings[-1].start : headings[-1].end].strip("# \t=-\r\n")
    return f"{title}: {own}" if title else own
