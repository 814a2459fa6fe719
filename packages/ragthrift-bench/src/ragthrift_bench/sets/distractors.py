"""Wrong passages that look right: other questions' passages, found by BM25."""

import random
from collections.abc import Iterable, Iterator, Sequence

from ragthrift import InputError, Passage
from ragthrift.lexical import Bm25
from ragthrift_bench.answers import contains


class Pool:
    """The passages of a whole file, among which one question's gold passage is hidden.

    >>> pool = Pool([Passage("Ann won in 1901."), Passage("Bob won in 1902.")])
    >>> [p.text for p in pool.hide(Passage("Ann won in 1901."), "Who won in 1901?", ["Ann"])]
    ['Bob won in 1902.', 'Ann won in 1901.']
    """

    def __init__(self, passages: Iterable[Passage]) -> None:
        by_text = {passage.text: passage for passage in passages}
        self._passages = tuple(by_text.values())
        self._index = Bm25([passage.text for passage in self._passages])

    def hide(
        self,
        gold: Passage,
        question: str,
        answers: Sequence[str],
        *,
        passages: int = 10,
        seed: int = 0,
    ) -> tuple[Passage, ...]:
        """The gold passage at a place drawn by chance among the best of those without an answer.

        The place depends on the seed and the question alone, so a case is the same in a run of
        ten questions and of a thousand.
        """
        if passages < 1:
            raise InputError(f"passages={passages} must be at least 1: the gold one")
        wrong = (p for p in self.best(question) if p.text != gold.text)
        clean = (p for p in wrong if not contains(p.text, answers))
        found = [passage for _, passage in zip(range(passages - 1), clean, strict=False)]
        found.insert(random.Random(f"{seed}:{question}").randrange(len(found) + 1), gold)
        return tuple(found)

    def best(self, question: str) -> Iterator[Passage]:
        """All passages, best first by BM25."""
        order = (-self._index.scores(question)).argsort(kind="stable")
        return (self._passages[at] for at in order)
