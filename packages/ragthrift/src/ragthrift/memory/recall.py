"""Old turns word for word, those that a message asks for."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ragthrift.errors import InputError
from ragthrift.lexical import words
from ragthrift.memory.excerpt import excerpt
from ragthrift.memory.segment import Fact
from ragthrift.memory.turn import Turn
from ragthrift.memory.turn_index import TurnIndex, of_best
from ragthrift.protocols import Embedder
from ragthrift.types import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

MEANING_WEIGHT = 1.5
"""What the cosine counts beside the words, which count 2; from 1 to 2 alike within chance."""
REPEATED_SHARE = 0.8
"""A turn is left out when so much of it stands in the passages of the prompt."""
MIN_SHARE = 0.2
"""Of the best turn's score. Weaker turns hold hardly any evidence, and cost tokens."""
_SHORT = 150
"""Tokens of a turn that is always given whole."""
_GRAM = 3
_INDEXES, _VECTORS = 8, 20_000
"""Kept for the next question: conversations, and vectors of turns (30 MB with MiniLM)."""


class Recall:
    """Finds turns by their words and those around them, with an embedder by meaning, too.

    It asks no model to write anything. Safe for threads.

    >>> from ragthrift.memory.turn import turns_of
    >>> from ragthrift.tokens import EstimatedTokens
    >>> from ragthrift.types import Message
    >>> said = ["Hello", "Hi!", "My customer number is 4711.", "Noted.", "Nice weather!", "Yes."]
    >>> talk = turns_of([Message("user", text) for text in said], EstimatedTokens(), at=0.0)
    >>> found = Recall().recall("What is my customer number?", talk, budget_tokens=12)
    >>> [turn.message.content for turn in found]
    ['My customer number is 4711.']
    """

    def __init__(self, embedder: Embedder | None = None) -> None:
        self._embedder = embedder
        self._indexes: OrderedDict[tuple[str, ...], TurnIndex] = OrderedDict()
        self._vectors: OrderedDict[str, Floats] = OrderedDict()
        self._lock = threading.Lock()

    def recall(
        self,
        query: str,
        turns: Sequence[Turn],
        *,
        budget_tokens: int,
        exclude: Sequence[Passage] = (),
        facts: Sequence[Fact] = (),
    ) -> list[Turn]:
        """Of `turns`, those that tell most about `query` in the budget, in their own order.

        `turns` are in the order of the conversation. What `exclude`, the passages of the prompt,
        says already is left out, and so is a text that the query or another recalled turn has.
        `facts` lead to the turns they were read from. Of a long turn that takes more than half
        the budget only the parts are given that the query is about. Empty where nothing matches.
        """
        if budget_tokens < 1:
            raise InputError(f"budget_tokens={budget_tokens} must be at least 1")
        if not turns or not query.strip():
            return []
        told = {gram for passage in exclude for gram in _grams(passage.text)}
        kept: dict[int, Turn] = {}
        texts, left = {query.strip()}, budget_tokens
        for at in self._best_first(query, turns, facts):
            text = turns[at].message.content.strip()
            if text in texts or not text or _repeats(text, told):
                continue
            turn = _fitted(turns[at], query, left, budget_tokens // 2)
            if turn is not None:
                kept[at] = turn
                texts.add(text)
                left -= turn.tokens
        return [kept[at] for at in sorted(kept)]

    def _best_first(
        self, query: str, turns: Sequence[Turn], facts: Sequence[Fact]
    ) -> Iterator[int]:
        """Places of the turns that match well enough."""
        scores = self._index(turns, facts).scores(query)
        if self._embedder is not None:
            asked = self._embedder.embed([query])[0]
            cosines = (self._embedded(self._embedder, turns) @ asked).astype(scores.dtype)
            scores = scores + MEANING_WEIGHT * of_best(cosines)
        least = MIN_SHARE * scores.max()
        return (int(at) for at in (-scores).argsort(kind="stable") if scores[at] > least)

    def _index(self, turns: Sequence[Turn], facts: Sequence[Fact]) -> TurnIndex:
        key = (*(turn.id for turn in turns), "", *(fact.id for fact in facts))
        with self._lock:
            known = self._indexes.pop(key, None)
        index = known or TurnIndex(turns, facts)
        with self._lock:
            self._indexes[key] = index
            while len(self._indexes) > _INDEXES:
                self._indexes.popitem(last=False)
        return index

    def _embedded(self, embedder: Embedder, turns: Sequence[Turn]) -> "Floats":
        """Shape (n, d); only turns that are not known are embedded."""
        import numpy as np

        with self._lock:
            known = {turn.id: self._vectors[turn.id] for turn in turns if turn.id in self._vectors}
        new = [turn for turn in turns if turn.id not in known]
        made = embedder.embed([turn.message.content for turn in new])
        known.update(zip((turn.id for turn in new), made, strict=True))
        with self._lock:
            self._vectors.update(known)
            while len(self._vectors) > max(_VECTORS, len(turns)):
                self._vectors.popitem(last=False)
        return np.stack([known[turn.id] for turn in turns])


def _fitted(turn: Turn, query: str, left: int, half: int) -> Turn | None:
    """The turn, or parts of a long one; `None` if it does not fit."""
    if turn.tokens > max(half, _SHORT):
        return excerpt(turn, query, min(max(half, _SHORT), left))
    return turn if turn.tokens <= left else None


def _repeats(text: str, told: set[tuple[str, ...]]) -> bool:
    grams = _grams(text)
    return bool(grams) and len(grams & told) >= REPEATED_SHARE * len(grams)


def _grams(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    return set(zip(*(found[start:] for start in range(_GRAM)), strict=False))
