"""Which of the scored passages are kept, and why the others are not."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from ragthrift.errors import InputError
from ragthrift.protocols import TokenCounter
from ragthrift.rerank.duplicates import Shingles, shingles, similarity
from ragthrift.types import Budget, Passage

Reasons = dict[int, str]
"""Positions that are dropped, and why."""

Judge = Callable[[Sequence[Passage]], Reasons]

Limit = Literal["max_similarity", "min_score", "min_gap", "top_k", "budget"]


@dataclass(frozen=True, slots=True)
class Dropped:
    """A passage that was left out, and the limit that left it out."""

    passage: Passage
    limit: Limit
    reason: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """Every passage that came in is in exactly one of the two."""

    kept: tuple[Passage, ...]
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True)
class Keep:
    """Limits on what is kept, alone or together; none of them keeps everything.

    They apply in the order of the fields, on passages that come best first.
    """

    max_similarity: float | None = None
    """Drop what shares more than this share of its word triples with a better passage."""
    min_score: float | None = None
    """Drop what scores below."""
    min_gap: float | None = None
    """Cut at the largest drop between neighbours if it is at least this share of the whole range
    of scores (Adaptive-k, arXiv 2506.08479, cuts always: `min_gap=0`)."""
    top_k: int | None = None
    """Keep this many at most."""
    budget: Budget | None = None
    """Fill this many tokens, best first, passing over what does not fit."""
    at_least: int = 1
    """Never keep fewer of the passages, whatever `min_score`, `min_gap` and `budget` say."""

    def __post_init__(self) -> None:
        for name in ("max_similarity", "min_gap"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise InputError(f"Keep({name}={value}) must lie between 0 and 1")
        if self.top_k is not None and self.top_k < 1:
            raise InputError(f"Keep(top_k={self.top_k}) must be at least 1")
        if self.at_least < 0:
            raise InputError(f"Keep(at_least={self.at_least}) must not be negative")

    def select(self, passages: Sequence[Passage], counter: TokenCounter) -> Ranking:
        """Split scored passages that come best first."""
        kept, dropped = list(passages), list[Dropped]()
        for limit, judge in self._judges(counter):
            reasons = judge(kept)
            dropped += [Dropped(kept[at], limit, reason) for at, reason in reasons.items()]
            kept = [passage for at, passage in enumerate(kept) if at not in reasons]
        return Ranking(tuple(kept), tuple(dropped))

    def _judges(self, counter: TokenCounter) -> Iterator[tuple[Limit, Judge]]:
        if self.max_similarity is not None:
            yield "max_similarity", partial(_too_similar, limit=self.max_similarity)
        if self.min_score is not None:
            yield "min_score", partial(_too_low, limit=self.min_score, at_least=self.at_least)
        if self.min_gap is not None:
            yield "min_gap", partial(_after_gap, limit=self.min_gap, at_least=self.at_least)
        if self.top_k is not None:
            yield "top_k", partial(_beyond, limit=self.top_k)
        if self.budget is not None:
            over = partial(_over, limit=self.budget, at_least=self.at_least, counter=counter)
            yield "budget", over


def _too_similar(passages: Sequence[Passage], limit: float) -> Reasons:
    better: list[tuple[Shingles, str]] = []
    reasons = {}
    for at, passage in enumerate(passages):
        marks = shingles(passage.text)
        alike = ((similarity(marks, other), other_id) for other, other_id in better)
        share, twin = max(alike, default=(0.0, ""))
        if twin and share > limit:
            reasons[at] = f"{share:.0%} alike to the better passage {twin}"
        else:
            better.append((marks, passage.id))
    return reasons


def _too_low(passages: Sequence[Passage], limit: float, at_least: int) -> Reasons:
    return {
        at: f"score {score:.3f} is below {limit}"
        for at, score in enumerate(_scores(passages))
        if at >= at_least and score < limit
    }


def _after_gap(passages: Sequence[Passage], limit: float, at_least: int) -> Reasons:
    scores = _scores(passages)
    first = max(1, at_least)
    if len(scores) <= first or scores[0] == scores[-1]:
        return {}
    cut = max(range(first, len(scores)), key=lambda at: scores[at - 1] - scores[at])
    share = (scores[cut - 1] - scores[cut]) / (scores[0] - scores[-1])
    if share < limit:
        return {}
    reason = f"after the largest drop in score, {share:.0%} of the range"
    return dict.fromkeys(range(cut, len(scores)), reason)


def _beyond(passages: Sequence[Passage], limit: int) -> Reasons:
    return dict.fromkeys(range(limit, len(passages)), f"beyond the best {limit}")


def _over(
    passages: Sequence[Passage], limit: Budget, at_least: int, counter: TokenCounter
) -> Reasons:
    left, reasons = limit.tokens, {}
    for at, passage in enumerate(passages):
        tokens = counter.count(passage.text)
        if tokens <= left or at < at_least:
            left -= tokens
        else:
            reasons[at] = f"{tokens} tokens do not fit in the {max(0, left)} left"
    return reasons


def _scores(passages: Sequence[Passage]) -> list[float]:
    return [passage.score if passage.score is not None else 0.0 for passage in passages]
