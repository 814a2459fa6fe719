"""Whether an answer draws on a document, by their words: cheap, and no more than an estimate."""

import re
from functools import lru_cache

_WORD = re.compile(r"\d[\d.,:]*\d|\d|[^\W\d_]{4,}")
_SHARE = 0.3
"""Share of an answer's own words that a document must have to count as used."""


@lru_cache(maxsize=4096)
def words_of(text: str) -> frozenset[str]:
    """Numbers, and words of four letters or more, in lower case."""
    return frozenset(_WORD.findall(text.lower()))


def used_in(answer: str, document: str, question: str = "") -> bool | None:
    """Whether an answer seems to be made of a document; `None` if it says nothing of its own.

    It does if it has a number of the document that is not in the question, or if three tenths of
    its words besides the question's are the document's. A paraphrase in other words goes unseen,
    and of two documents that say the same, both count as used.

    >>> menu = "On Friday there is fish soup with rye bread."
    >>> used_in("Fish soup.", menu), used_in("It opens at 8:30.", menu), used_in("Yes!", menu)
    (True, False, None)
    """
    own = words_of(answer) - words_of(question)
    if not own:
        return None
    shared = own & words_of(document)
    return any(word[0].isdigit() for word in shared) or len(shared) >= _SHARE * len(own)
