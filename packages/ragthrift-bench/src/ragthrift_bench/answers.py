"""Answer quality against gold answers, with the normalisation of SQuAD (Rajpurkar et al., 2016)."""

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str) -> str:
    """Lower case, no punctuation, no articles, single spaces.

    >>> normalise("The  Anvil, of course!")
    'anvil of course'
    """
    bare = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def exact_match(answer: str, gold: Sequence[str]) -> float:
    """1 when the answer is one of the gold answers, else 0.

    >>> exact_match("the boat ramp.", ["boat ramp"])
    1.0
    """
    return _best(answer, gold, lambda ours, theirs: float(ours == theirs))


def contains(answer: str, gold: Sequence[str]) -> float:
    """1 when a gold answer stands in the answer as whole words, else 0.

    >>> contains("It leaves at 17:45 daily.", ["17:45"]), contains("It has 135 seats", ["35"])
    (1.0, 0.0)
    """
    return _best(answer, gold, lambda ours, theirs: float(f" {theirs} " in f" {ours} "))


def token_f1(answer: str, gold: Sequence[str]) -> float:
    """Harmonic mean of the precision and recall of words, the best over the gold answers.

    >>> token_f1("35 days after purchase", ["35 days"])
    0.6666666666666666
    """
    return _best(answer, gold, _f1)


def _best(answer: str, gold: Sequence[str], compare: Callable[[str, str], float]) -> float:
    ours = normalise(answer)
    return max(compare(ours, normalise(theirs)) for theirs in gold)


def _f1(ours: str, theirs: str) -> float:
    our_words, their_words = ours.split(), theirs.split()
    if not our_words or not their_words:
        return float(our_words == their_words)
    shared = (Counter(our_words) & Counter(their_words)).total()
    return 2 * shared / (len(our_words) + len(their_words))
