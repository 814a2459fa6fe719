"""How far an answer rests on the passages it was given, by its words, numbers and names."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ragthrift.lexical import words
from ragthrift.types import Passage

_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*")
_NAME = re.compile(r"(?<=[\w,;:)] )[A-Z][\w'-]*[a-z][\w'-]*")
_MARKS = re.compile(r"\[[^\]\n]{1,40}\]|^\s*(?:\d{1,2}[.)]|[-*•])\s", re.MULTILINE)
_FUNCTION_WORDS = frozenset(
    words(
        "a about after all also an and any are as at be been before but by can could did do does "
        "during for from had has have he her his how i if in into is it its may more most much "
        "my no not of on one or our over please she should so some such than that the their them "
        "then there these they this those to under up was we were what when where which while who "
        "whom whose why will with would you your"
    )
)
FLOOR = 0.4
"""What is left of a score when not one of its numbers, or names, is in the passages."""


@dataclass(frozen=True, slots=True)
class Grounding:
    """Shares of an answer that the passages hold, 0 to 1; 1 where it has none of the kind."""

    words: float
    numbers: float
    names: float

    @property
    def score(self) -> float:
        """Overlap of words, cut for numbers and names from elsewhere."""
        kept = (FLOOR + (1 - FLOOR) * share for share in (self.numbers, self.names))
        return self.words * next(kept) * next(kept)


def grounding(answer: str, passages: Sequence[Passage], question: str = "") -> Grounding:
    """What of an answer is in the passages, or in the question it repeats.

    A number that was worked out from others counts as one from elsewhere.

    >>> grounding("It opens at 10.", [Passage("The canteen opens at 9.")]).numbers
    0.0
    """
    said = _MARKS.sub(" ", answer)
    known = "\n".join([question, *(passage.text for passage in passages)])
    lowered = known.lower()
    return Grounding(
        words=_share(content_words(said), _vocabulary(known)),
        numbers=_share(numbers(said), set(numbers(known))),
        names=_share(_names(said), set(re.findall(r"[\w-]+", lowered))),
    )


def coverage(question: str, passages: Sequence[Passage]) -> float:
    """Share of the question's words that the passages hold; 1 for a question without any.

    >>> coverage("When does the canteen open?", [Passage("The canteen opens at nine.")])
    1.0
    """
    known = "\n".join(passage.text for passage in passages)
    return _share(content_words(question), _vocabulary(known))


def content_words(text: str) -> list[str]:
    """Distinct words that carry meaning, numbers left out.

    >>> content_words("When does the canteen open?")
    ['canteen', 'open']
    """
    found = (w for w in words(text) if w not in _FUNCTION_WORDS and not w.isdigit())
    return list(dict.fromkeys(word for word in found if len(word) > 1))


def numbers(text: str) -> list[str]:
    """Numbers without separators of thousands; a whole number is written one way.

    >>> numbers("1,250.00 euros, 3.5 %")
    ['1250', '3.5']
    """
    plain = (number.replace(",", "") for number in _NUMBER.findall(text))
    return [re.sub(r"\.0+$", "", number) for number in plain]


def _vocabulary(text: str) -> set[str]:
    """Words of a long text; each is stemmed once."""
    return set(words(" ".join(set(text.lower().split()))))


def _names(text: str) -> list[str]:
    """Capitalised words inside sentences."""
    return [name.lower().removesuffix("'s") for name in _NAME.findall(text)]


def _share(wanted: Iterable[str], known: set[str]) -> float:
    asked = list(wanted)
    return sum(one in known for one in asked) / len(asked) if asked else 1.0
