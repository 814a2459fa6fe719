"""Words, and BM25 over a list of texts."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WORD = re.compile(r"\w+")
_SUFFIXES = ("ing", "ed", "es", "s")


def words(text: str) -> list[str]:
    """Lower-cased words with common English endings cut, so that plurals meet singulars.

    >>> words("Two dogs barked.")
    ['two', 'dog', 'bark']
    """
    return [_stem(word) for word in _WORD.findall(text.lower())]


def _stem(word: str) -> str:
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word[: -len(suffix)]
    return word


class Bm25:
    """BM25 (Robertson and Zaragoza, 2009) over a fixed list of texts, by inverted index.

    `k1` and `b` default to 0.9 and 0.4, the values that Anserini found best for passages.

    >>> index = Bm25(["the cat sat", "a dog barked", "dogs and cats"])
    >>> index.scores("dog").argmax()
    np.int64(1)
    """

    def __init__(self, texts: Sequence[str], *, k1: float = 0.9, b: float = 0.4) -> None:
        import numpy as np

        counts = [Counter(words(text)) for text in texts]
        lengths = np.array([c.total() for c in counts], dtype=np.float64)
        self._k1 = k1
        self._size = len(counts)
        self._norms = k1 * (1 - b + b * lengths / max(lengths.mean() if counts else 0, 1))
        self._postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for position, count in enumerate(counts):
            for word, frequency in count.items():
                self._postings[word].append((position, frequency))

    def scores(self, query: str) -> "NDArray[np.float64]":
        """Shape (n,), 0 where no word of the query occurs."""
        return self._scores_and_bound(query)[0]

    def shares(self, query: str) -> "NDArray[np.float64]":
        """Shape (n,), in [0, 1): each score as a share of the most a text could get.

        Unlike a raw score it can be compared between queries.
        """
        scores, bound = self._scores_and_bound(query)
        return scores / bound if bound else scores

    def _scores_and_bound(self, query: str) -> tuple["NDArray[np.float64]", float]:
        import numpy as np

        scores = np.zeros(self._size)
        bound = 0.0
        for word in dict.fromkeys(words(query)):
            postings = self._postings.get(word, [])
            idf = np.log1p((self._size - len(postings) + 0.5) / (len(postings) + 0.5))
            bound += float(idf) * (self._k1 + 1)
            if not postings:
                continue
            positions, frequencies = np.array(postings).T
            scores[positions] += (
                idf * frequencies * (self._k1 + 1) / (frequencies + self._norms[positions])
            )
        return scores, bound
