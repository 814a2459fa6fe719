"""Answer quality against gold answers, with the normalisation of SQuAD (Rajpurkar et al., 2016)."""

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from ragthrift import InputError

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_SENTENCE_END = re.compile(r"[.!?](?=\s)|\n")

BARE_REFUSALS = re.compile(
    r"idk|dont know|na|no (idea|answer( present)?)|(i am |im )?(not sure|unsure)|unknown|unclear"
    r"|unanswerable|not (available|clear|found|given|known|provided|specified|stated)"
)
"""Refusals when they are the whole answer: inside one, `unknown` may be part of a name."""
REFUSALS = re.compile(
    r"\b(i (dont|do not|didnt|did not) know|i am not sure|im not sure|not mentioned"
    r"|(cant|cannot|could not|couldnt|unable to) (answer|be answered|be determined|determine|find)"
    r"|(dont|do not) have (enough|information)|(no|not enough|insufficient) information|no mention"
    r"|not possible to (answer|determine|say|tell))\b"
)
"""Refusals wherever they stand in the first sentence."""
SOURCES = re.compile(r"\b(articles?|context|conversation|documents?|passages?|sources?|texts?)\b")
NEGATIONS = re.compile(r"\b(no|none|not|nothing|neither|cannot|isnt|doesnt|dont|didnt)\b")
TELLING = re.compile(
    r"\b(address|answer|contain|give|given|include|indicate|mention|provide|say|specify|state|tell"
    r"|found)(s|d|ed)?\b|\bspecified\b"
)
"""A first sentence with a source, a negation and one of these refuses, in whatever order."""


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


def rouge_l(answer: str, gold: Sequence[str]) -> float:
    """F-measure of the longest common subsequence of words (Lin, 2004), the best over the gold.

    Words are those of `normalise`; the `rouge-score` package by default keeps articles and cuts
    words at every character but a-z and 0-9.

    >>> rouge_l("days 35 after purchase", ["35 days after purchase"])
    0.75
    """
    return _best(answer, gold, _rouge_l)


def abstained(answer: str) -> bool:
    """Whether the answer's first sentence refuses: "I don't know", "not mentioned", and so on.

    By the patterns above, which are English. An empty answer refuses too. What they cannot tell
    from a refusal is an answer that speaks of one: "According to the text, lunch is not provided".

    >>> abstained("The passages do not say who won."), abstained("The Unknown Soldier")
    (True, False)
    """
    opening = _SENTENCE_END.split(answer.replace("\u2019", "'").strip(), maxsplit=1)[0]
    refusal = normalise(opening)
    return (
        not refusal
        or BARE_REFUSALS.fullmatch(refusal) is not None
        or REFUSALS.search(refusal) is not None
        or all(words.search(refusal) for words in (SOURCES, NEGATIONS, TELLING))
    )


def abstains_rightly(answer: str, gold: Sequence[str]) -> float:
    """1 when the answer refuses just where a gold answer does, else 0.

    Where every question has an answer this is the share of questions that get one.

    >>> abstains_rightly("I don't know.", ["Ann"]), abstains_rightly("Bob", ["Ann"])
    (0.0, 1.0)
    >>> abstains_rightly("I don't know.", ["Not mentioned in the conversation"])
    1.0
    """
    if not gold:
        raise InputError("there is no gold answer to compare with")
    return float(abstained(answer) == any(abstained(theirs) for theirs in gold))


def _best(answer: str, gold: Sequence[str], compare: Callable[[str, str], float]) -> float:
    if not gold:
        raise InputError("there is no gold answer to compare with")
    ours = normalise(answer)
    return max(compare(ours, normalise(theirs)) for theirs in gold)


def _f1(ours: str, theirs: str) -> float:
    our_words, their_words = ours.split(), theirs.split()
    if not our_words or not their_words:
        return float(our_words == their_words)
    shared = (Counter(our_words) & Counter(their_words)).total()
    return 2 * shared / (len(our_words) + len(their_words))


def _rouge_l(ours: str, theirs: str) -> float:
    our_words, their_words = ours.split(), theirs.split()
    total = len(our_words) + len(their_words)
    return 2 * _common_subsequence(our_words, their_words) / total if total else 0.0


def _common_subsequence(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """Length of the longest; one row of the usual table is held."""
    row = [0] * (len(theirs) + 1)
    for word in ours:
        before = row
        row = [0]
        for at, other in enumerate(theirs):
            row.append(before[at] + 1 if word == other else max(before[at + 1], row[at]))
    return row[-1]


METRICS: Mapping[str, Callable[[str, Sequence[str]], float]] = {
    "exact_match": exact_match,
    "token_f1": token_f1,
    "contains": contains,
    "rouge_l": rouge_l,
    "abstains_rightly": abstains_rightly,
}
"""Every metric of an answer by name: in [0, 1], higher is better."""
