"""Compression without a model: the words of the question, and where they stand."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragthrift.compress.compressor import HALF, UnitCompressor
from ragthrift.compress.limits import Limits
from ragthrift.compress.prefix import CachedPrefix
from ragthrift.compress.redundancy import novelty
from ragthrift.compress.selection import Cut
from ragthrift.errors import InputError
from ragthrift.lexical import Bm25, words
from ragthrift.protocols import TokenCounter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_WORDLESS_SCRIPT = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])")
"""Kana and Han, which write no blanks between words: each character counts as one."""


@dataclass(frozen=True, slots=True)
class ExtractiveWeights:
    """How much counts beside the words that a unit shares with the question."""

    neighbours: float = 0.3
    """Share of the better neighbour's score that a unit gets: answers stand beside keywords."""
    passage: float = 0.5
    """Weight of the whole passage's match, its title's and its retriever's score."""
    first: float = 0.02
    """Bonus of a passage's first unit, shrinking along the passage: it breaks ties."""
    novelty: float = 0.5
    """How much is taken off a unit whose words all stand in better units."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(
                    f"ExtractiveWeights({name}={getattr(self, name)}) must lie between 0 and 1"
                )


class ExtractiveCompressor(UnitCompressor):
    """The embedded default: BM25 over units, no model, numpy only.

    >>> from ragthrift import Passage
    >>> text = "The canteen opens at nine. Bicycles stand in the cellar. The lift holds eight."
    >>> short = ExtractiveCompressor(Limits(rate=0.4))
    >>> [p.text for p in short.compress("When does the canteen open?", [Passage(text)])]
    ['The canteen opens at nine.']
    """

    def __init__(
        self,
        limits: Limits = HALF,
        *,
        weights: ExtractiveWeights = ExtractiveWeights(),
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
        self._weights = weights

    def values(self, query: str, cuts: Sequence[Cut]) -> list["Floats"]:
        """In [0, 1]: the unit's share of the question, its neighbours', and its passage's."""
        import numpy as np

        weights = self._weights
        texts = [[cut.text[unit.start : unit.end] for unit in cut.units] for cut in cuts]
        lexical = lexical_scores(query, [text for group in texts for text in group])
        ends = np.cumsum([len(group) for group in texts])[:-1]
        own = [_smoothed(part, weights.neighbours) for part in np.split(lexical, ends)]
        mixed = [
            (part + weights.passage * prior + weights.first / np.arange(1, len(part) + 1))
            / (1 + weights.passage + weights.first)
            for part, prior in zip(own, _priors(query, cuts), strict=True)
        ]
        values = np.concatenate(mixed)
        new = novelty([text for group in texts for text in group], values)
        return np.split(values * (1 - weights.novelty * (1 - new)), ends)


def lexical_scores(query: str, texts: Sequence[str]) -> "Floats":
    """In [0, 1], shape (n,): the mean of BM25's share and of the query's rare words covered."""
    import numpy as np

    spaced = [spaced_out(text) for text in texts]
    asked = spaced_out(query)
    shares = Bm25(spaced).shares(asked)
    wanted = set(words(asked))
    if not wanted:
        return np.asarray(shares)
    found = [wanted & set(words(text)) for text in spaced]
    counts = {word: sum(word in some for some in found) for word in wanted}
    rarity = {word: float(np.log1p(len(texts) / (1 + count))) for word, count in counts.items()}
    total = sum(rarity.values())
    covered = np.array([sum(rarity[word] for word in some) / total for some in found])
    return np.asarray((shares + covered) / 2)


def spaced_out(text: str) -> str:
    """Blanks around characters of scripts that write none, so that each is a word."""
    return _WORDLESS_SCRIPT.sub(r" \1 ", text)


def _smoothed(scores: "Floats", share: float) -> "Floats":
    """Each score with a share of the better neighbour's."""
    import numpy as np

    padded = np.pad(scores, 1)
    return np.asarray((scores + share * np.maximum(padded[:-2], padded[2:])) / (1 + share))


def _priors(query: str, cuts: Sequence[Cut]) -> "Floats":
    """In [0, 1], shape (n,): how good each passage looks as a whole."""
    import numpy as np

    titled = [f"{cut.passage.metadata.get('title', '')}\n{cut.text}" for cut in cuts]
    lexical = lexical_scores(query, titled)
    given = [cut.passage.score for cut in cuts]
    scores = np.array([np.nan if score is None else score for score in given], dtype=np.float64)
    if not np.isfinite(scores).all() or scores.min() == scores.max():
        return lexical
    return np.asarray((lexical + (scores - scores.min()) / np.ptp(scores)) / 2)
