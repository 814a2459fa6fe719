"""What every compressor of units does around its scores: cut, choose, write out, explain."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ragthrift.compress.limits import Limits
from ragthrift.compress.prefix import CachedPrefix
from ragthrift.compress.report import Compression, DroppedUnit, Kept, Limit
from ragthrift.compress.selection import Cut, Selection
from ragthrift.compress.units import units
from ragthrift.errors import InputError, ModelError
from ragthrift.protocols import TokenCounter
from ragthrift.tokens import EstimatedTokens
from ragthrift.types import Passage
from ragthrift.usage import Savings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

log = logging.getLogger(__name__)

HALF = Limits(rate=0.5)


class UnitCompressor(ABC):
    """Scores the units of all passages and keeps the best of them, as they stood.

    `token_counter` counts for `Limits.budget` and `rate`: give that of the model that will answer.
    `antecedents` keeps the sentence before one that opens with a pronoun. `elision` is written
    where something inside a passage is left out. Under `spans_key` the passages' metadata get the
    offsets of what was kept; frameworks may show metadata to the model, so it is off by default.
    `keep_prefix_if` leaves passages alone where a provider's cache saves more.
    """

    def __init__(
        self,
        limits: Limits = HALF,
        *,
        token_counter: TokenCounter | None = None,
        antecedents: bool = False,
        elision: str = "",
        spans_key: str | None = None,
        keep_prefix_if: CachedPrefix | None = None,
    ) -> None:
        if not isinstance(limits, Limits):
            raise InputError(f"limits={limits!r} must be Limits(rate=…, budget=…, min_score=…)")
        self._limits = limits
        self._counter = token_counter or EstimatedTokens()
        self._antecedents = antecedents
        self._elision = elision
        self._spans_key = spans_key
        self._cached = keep_prefix_if

    @abstractmethod
    def values(self, query: str, cuts: Sequence[Cut]) -> Sequence["Floats"]:
        """What each unit is worth for the query, higher is better: one array for each cut."""

    def compress(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        """The kept passages in their order: same ids and scores, shorter text."""
        return self.explain(query, passages).passages

    def explain(self, query: str, passages: Sequence[Passage]) -> Compression:
        """The same, with the spans that were kept and the reason for each that was not."""
        if not passages:
            return Compression((), (), Savings(0, 0))
        cuts = self._cut(passages)
        return self._prune(cuts, self.values(query, cuts))

    def _cut(self, passages: Sequence[Passage]) -> list[Cut]:
        return [Cut(p, units(p.text, antecedents=self._antecedents)) for p in passages]

    def _prune(self, cuts: Sequence[Cut], values: Sequence["Floats"]) -> Compression:
        self._check(cuts, values)
        chosen = Selection(cuts, values, self._limits, self._counter, self._elision)
        compression = self._report(chosen)
        if self._cached is not None and self._cached.outweighs(compression.tokens):
            return self._left_alone(cuts, compression.tokens, self._cached)
        return compression

    def _check(self, cuts: Sequence[Cut], values: Sequence["Floats"]) -> None:
        import numpy as np

        shapes = [numbers.shape for numbers in values]
        if shapes != [(len(cut.units),) for cut in cuts] or not all(
            np.isfinite(numbers).all() for numbers in values
        ):
            raise ModelError(
                f"{type(self).__name__} valued {sum(len(cut.units) for cut in cuts)} units of "
                f"{len(cuts)} passages with {values!r:.200}: one finite number for each is needed"
            )

    def _report(self, chosen: Selection) -> Compression:
        positions = [at for at in range(len(chosen.cuts)) if chosen.kept(at)]
        kept = tuple(self._kept(chosen, at) for at in positions)
        after = sum(self._counter.count(part.passage.text) for part in kept)
        tokens = Savings(sum(chosen.before), after)
        return Compression(kept, tuple(self._dropped(chosen)), tokens, chosen.note)

    def _kept(self, chosen: Selection, at: int) -> Kept:
        passage, text, spans = chosen.cuts[at].passage, chosen.text(at), chosen.spans(at)
        if text != passage.text:
            passage = passage.with_text(text)
        if self._spans_key is not None:
            metadata = {**passage.metadata, self._spans_key: [list(span) for span in spans]}
            passage = replace(passage, metadata=metadata)
        return Kept(passage, spans)

    def _dropped(self, chosen: Selection) -> list[DroppedUnit]:
        dropped = []
        for at, (cut, first) in enumerate(zip(chosen.cuts, chosen.firsts, strict=False)):
            kept = set(chosen.kept(at))
            for place, unit in enumerate(cut.units):
                if place not in kept:
                    limit, reason = self._reason(chosen, first + place)
                    text, score = cut.text[unit.start : unit.end], chosen.values[first + place]
                    where = (cut.passage.id, unit.start, unit.end, text, unit.kind)
                    dropped.append(DroppedUnit(*where, float(score), limit, reason))
        return dropped

    def _reason(self, chosen: Selection, unit: int) -> tuple[Limit, str]:
        budget = self._limits.budget
        limit: Limit = "budget" if budget and budget.tokens == chosen.room else "rate"
        if chosen.room is None:
            limit = "min_score"
        if chosen.stands_over(unit):
            return limit, "nothing of what stands under it is kept"
        if not chosen.worthy(unit):
            least = self._limits.min_score
            return "min_score", f"score {chosen.values[unit]:.3f} is below {least}"
        price = chosen.prices[unit]
        return limit, f"{price} tokens, and better units fill the {chosen.room} there are"

    def _left_alone(
        self, cuts: Sequence[Cut], tokens: Savings, cached: CachedPrefix
    ) -> Compression:
        note = (
            f"left as they are: shortening saves {tokens.before - tokens.after} tokens a call, "
            f"the cached prefix {cached.worth:.0f} ({cached.tokens} at {cached.discount:.0%} off)"
        )
        log.info("%s: %s", type(self).__name__, note)
        kept = tuple(Kept(cut.passage, ((0, len(cut.text)),)) for cut in cuts)
        return Compression(kept, (), Savings(tokens.before, tokens.before), note)
