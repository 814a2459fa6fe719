"""Late interaction: a question's words against a text's, on token states as they are.

ColBERT (Khattab and Zaharia, 2020) sums, over the question's tokens, the best match in the text.
On the states of a sentence encoder, never trained for it, and weighted by how rare each word is,
that adds to cosine and BM25; `packages/ragthrift-models/training/MODEL_CARD.md` has the numbers.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ragthrift.lexical import words
from ragthrift.states import TextStates, unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

Rarity = Callable[[str], float]
"""A word's inverse document frequency."""

BM25_WEIGHT, LATE_WEIGHT = 0.2, 0.25
"""What BM25's share and late interaction count beside the cosine."""

SLOPE, INTERCEPT = 19.76, -12.15
"""Of the log-odds that a passage answers, fitted by `training.calibrate` with the weights above."""

STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "in",
        "on",
        "at",
        "to",
        "for",
        "from",
        "by",
        "with",
        "and",
        "or",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "do",
        "does",
        "did",
        "has",
        "have",
        "had",
        "who",
        "what",
        "when",
        "where",
        "which",
        "why",
        "how",
        "many",
        "much",
        "long",
        "whose",
        "whom",
        "it",
        "its",
        "that",
        "this",
        "these",
        "those",
        "there",
        "as",
        "into",
        "most",
        "name",
    ]
)
STOPPED = STOP_WORDS | {word for stop in STOP_WORDS for word in words(stop)}
"""The same as `words` writes them."""
_STOP_SHARE = 0.3
"""What a stop word counts of its rarity."""


def inverse_frequency(texts: Sequence[str]) -> Rarity:
    """BM25's inverse document frequency over these texts.

    >>> rarity = inverse_frequency(["the cat", "the dog"])
    >>> rarity("cat") > rarity("the") > 0
    True
    """
    counts = Counter(word for text in texts for word in set(words(text)))

    def rarity(word: str) -> float:
        held = counts[word]
        return math.log1p((len(texts) - held + 0.5) / (held + 0.5))

    return rarity


def late_scores(
    question: str, asked: TextStates, texts: Sequence[TextStates], rarity: Rarity
) -> "Floats":
    """Shape (n,), in [0, 1]: the mean best match of the question's tokens, by rarity.

    A token that nothing is like counts 0.
    """
    import numpy as np

    if not texts:
        return np.zeros(0, np.float32)
    weights = _token_weights(question, asked, rarity)
    tokens = unit(asked.states.astype(np.float32))
    starts = np.cumsum([0, *(len(text.states) for text in texts[:-1])])
    every = unit(np.concatenate([text.states for text in texts]).astype(np.float32))
    every[starts] = 0  # [CLS]; one product for all texts, since each call wakes every thread
    every[np.append(starts[1:], len(every)) - 1] = 0  # [SEP]
    best = np.maximum.reduceat(tokens @ every.T, starts, axis=1)
    return np.asarray(weights @ best, dtype=np.float32)


def fused(
    meaning: "Floats",
    late: "Floats",
    *,
    late_weight: float = LATE_WEIGHT,
) -> "Floats":
    """The part of the score that a text has by itself: `cosine + l * late`, both in [0, 1]."""
    import numpy as np

    return np.asarray(meaning.clip(0, 1) + late_weight * late.clip(0, 1), dtype=np.float32)


def with_shares(
    parts: "Floats",
    shares: "NDArray[np.float64]",
    *,
    bm25_weight: float = BM25_WEIGHT,
    late_weight: float = LATE_WEIGHT,
) -> "Floats":
    """In [0, 1]: `(cosine + l * late + b * share) / (1 + b + l)`, `parts` being the first two."""
    import numpy as np

    total = parts + bm25_weight * shares
    return np.asarray(total / (1 + bm25_weight + late_weight), dtype=np.float32)


def log_odds(scores: "Floats") -> "Floats":
    """That a passage answers the question, given that one among twenty does; shape (n,)."""
    import numpy as np

    return np.asarray(SLOPE * scores + INTERCEPT, dtype=np.float32)


def probability(scores: "Floats") -> "Floats":
    """The same in (0, 1): what a score means is the same for every question.

    >>> import numpy as np
    >>> [f"{p:.2f}" for p in probability(np.array([0.3, 0.7], dtype=np.float32))]
    ['0.00', '0.84']
    """
    import numpy as np

    return np.asarray(1 / (1 + np.exp(-log_odds(scores))), dtype=np.float32)


def _token_weights(question: str, asked: TextStates, rarity: Rarity) -> "Floats":
    """Each token has its word's rarity; special tokens have none; the sum is 1."""
    import numpy as np

    weights = np.zeros(len(asked.offsets), dtype=np.float32)
    for at, (start, end) in enumerate(asked.offsets):
        if end > start:
            token = question[start:end].lower()
            share = _STOP_SHARE if token in STOP_WORDS else 1.0
            weights[at] = share * rarity((words(token) or [""])[0])
    return np.asarray(weights / max(float(weights.sum()), 1e-6), dtype=np.float32)
