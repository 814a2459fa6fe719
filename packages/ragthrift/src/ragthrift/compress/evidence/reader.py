"""The reader that ships: MiniLM's token states, a small head, and what else is known."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ragthrift.compress.evidence.features import Question, rows
from ragthrift.compress.evidence.fusion import Fusion
from ragthrift.compress.evidence.keep_head import KeepHead
from ragthrift.compress.evidence.sheet import Sheet
from ragthrift.compress.reading import Reading
from ragthrift.errors import missing_extra
from ragthrift.late import fused, late_scores, probability, with_shares
from ragthrift.lexical import Bm25
from ragthrift.states import StateEncoder, TextStates, minilm_states
from ragthrift.types import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class EvidenceReader:
    """Which sentences of the passages hold evidence, and how good each passage is.

    Passages are encoded without the question, so their states are kept and a passage that comes
    again costs next to nothing. A head of 0.38 million weights then reads them for the question,
    and two small layers weigh its word with cosines, words, places, titles, and which passages
    name each other: see `packages/ragthrift-models/training/MODEL_CARD.md`.

    `keep` is the probability that a sentence holds evidence, `score` what
    `ragthrift.rerank.LateInteractionReranker` gives the passage.
    Of a unit beyond 256 tokens the beginning is read. Needs the `embedded` extra.
    """

    passage_weight = 0.0
    """For `SentencePruner`: the probability of a sentence has its passage in it."""

    def __init__(
        self,
        encoder: StateEncoder | None = None,
        model: str | os.PathLike[str] | None = None,
    ) -> None:
        folder = Path(model) if model is not None else _embedded_model()
        self._encoder = encoder or minilm_states()
        self._head = KeepHead(folder / "keep.onnx")
        self._fusion = Fusion.load(folder / "fusion.json")

    def read(self, query: str, passages: Sequence[Passage]) -> list[Reading]:
        """One reading for each passage, over its units; the encoder is called once."""
        import numpy as np

        if not passages:
            return []
        sheets = [self._sheet(passage) for passage in passages]
        asked, windows = self._encoded(query, sheets)
        shares = Bm25([passage.text for passage in passages]).shares(query)
        logits = self._logits(asked, windows)
        found = rows(asked, sheets, windows, logits, shares)
        keep = [np.zeros(len(sheet.units), np.float32) for sheet in sheets]
        for row, sure in zip(found, self._fusion.probabilities(found), strict=True):
            keep[row.passage][row.unit] = sure
        scores = relevance(asked, windows, shares)
        return [
            Reading(float(score), worth, [(unit.start, unit.end) for unit in sheet.units])
            for score, worth, sheet in zip(scores, keep, sheets, strict=True)
        ]

    def _sheet(self, passage: Passage) -> Sheet:
        title = str(passage.metadata.get("title") or "")
        return Sheet(passage.text, self._encoder.token_count, title)

    def _encoded(
        self, query: str, sheets: Sequence[Sheet]
    ) -> tuple[Question, list[list[TextStates]]]:
        pieces = [[sheet.piece(window) for window in sheet.windows] for sheet in sheets]
        every = [piece for group in pieces for piece in group]
        asked, *read = self._encoder.read([query, *every])
        states = iter(read)
        return Question(query, asked, every), [[next(states) for _ in group] for group in pieces]

    def _logits(
        self, asked: Question, windows: Sequence[Sequence[TextStates]]
    ) -> list[list["Floats"]]:
        """Of every window of every passage, from one call of the head."""
        every = [window for group in windows for window in group]
        logits = iter(self._head.logits(asked.states, every))
        return [[next(logits) for _ in group] for group in windows]


def relevance(
    asked: Question, windows: Sequence[Sequence[TextStates]], shares: "NDArray[np.float64]"
) -> "Floats":
    """Probability of answering, shape (n,), from the best window of each passage."""
    import numpy as np

    every = [window for group in windows for window in group]
    cosines = np.stack([window.vector for window in every]) @ asked.states.vector
    late = late_scores(asked.text, asked.states, every, asked.rarity)
    best = np.zeros(len(windows), np.float32)
    owners = np.repeat(np.arange(len(windows)), [len(group) for group in windows])
    np.maximum.at(best, owners, fused(cosines, late))
    return probability(with_shares(best, shares))


def _embedded_model() -> Path:
    try:
        from ragthrift_models import evidence_model
    except ImportError as error:
        missing_extra("embedded", "ragthrift-models", error)
    return evidence_model()
