"""What recall finds of LoCoMo's evidence, and when it is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.memory_sets import Question, Talk
from ragthrift.memory.gate import worth_recalling
from ragthrift.memory.recall import Recall
from ragthrift.protocols import Embedder
from ragthrift_bench.intervals import mean_interval

BUDGETS = (500, 2000)
_WINDOW = 20
"""Messages that the gate is shown."""


class Remembered:
    """An embedder that embeds each text once."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self._known: dict[str, NDArray[np.float32]] = {}

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (n, d)."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        self._known.update(zip(new, self._inner.embed(new), strict=True))
        if not texts:
            return self._inner.embed([])
        return np.stack([self._known[text] for text in texts])


@dataclass(frozen=True)
class Finding:
    """How a question's evidence is looked for."""

    embedder: Embedder | None
    facts: bool = False

    def found(self, talks: Sequence[Talk], budget: int) -> list[float]:
        """For every question 1.0 if all its evidence is found."""
        return [
            float(question.evidence <= found)
            for talk in talks
            for question, found in self._all(talk, budget)
        ]

    def _all(self, talk: Talk, budget: int) -> list[tuple[Question, set[str]]]:
        recall = Recall(self.embedder)
        facts = talk.facts if self.facts else ()
        found, whole = [], set(talk.turns)  # parts of a turn are no evidence
        for question in talk.questions:
            turns = recall.recall(question.text, talk.turns, budget_tokens=budget, facts=facts)
            found.append((question, {turn.id for turn in turns if turn in whole}))
        return found


def last_turns(talks: Sequence[Talk], budget: int) -> float:
    """The same for a window of the last turns, in percent."""
    held = []
    for talk in talks:
        totals = np.cumsum([turn.tokens for turn in reversed(talk.turns)])
        size = int((totals <= budget).sum())
        kept = {turn.id for turn in talk.turns[len(talk.turns) - size :]}
        held += [float(question.evidence <= kept) for question in talk.questions]
    return _percent(fmean(held))


def evidence(talks: Sequence[Talk], embedder: Embedder | None, seed: int) -> dict[str, Any]:
    """In percent, by the embedder if there is one; `by_way` has the other ways, too."""
    ways = {"words": Finding(None), "words_and_facts": Finding(None, facts=True)}
    if embedder:
        ways |= {"meaning": Finding(embedder), "meaning_and_facts": Finding(embedder, facts=True)}
    held = {name: {n: way.found(talks, n) for n in BUDGETS} for name, way in ways.items()}
    used = held["meaning" if embedder else "words"]
    intervals = {n: mean_interval(used[n], seed=seed) for n in BUDGETS}
    by_way = {
        name: {f"@{n}": _percent(fmean(values)) for n, values in found.items()}
        for name, found in held.items()
    }
    return {
        **{f"evidence@{n}": _percent(fmean(used[n])) for n in BUDGETS},
        "ci95": {f"@{n}": [_percent(i.low), _percent(i.high)] for n, i in intervals.items()},
        "by_way": by_way | {"last_turns": {f"@{n}": last_turns(talks, n) for n in BUDGETS}},
    }


def gated(talks: Sequence[Talk]) -> dict[str, float]:
    """Of the user's messages and of the questions, the shares that recall is asked for."""
    told = [
        worth_recalling(message.content, talk.messages[max(0, at - _WINDOW) : at])
        for talk in talks
        for at, message in enumerate(talk.messages)
        if message.role == "user"
    ]
    asked = [
        worth_recalling(question.text, talk.messages[-_WINDOW:])
        for talk in talks
        for question in talk.questions
    ]
    return {
        "recall_for_messages": round(fmean(told), 3),
        "recall_for_questions": round(fmean(asked), 3),
    }


def _percent(share: float) -> float:
    return round(100 * share, 1)
