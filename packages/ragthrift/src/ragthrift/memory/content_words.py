"""The words of a message that say what it is about."""

import re

from ragthrift.late import STOP_WORDS
from ragthrift.lexical import words

_WORD = re.compile(r"\w+")
_SPOKEN = {
    "about", "after", "also", "am", "any", "before", "both", "can", "could", "couldn", "d",
    "didn", "doesn", "doing", "don", "done", "during", "get", "give", "go", "going", "got", "he",
    "hello", "her", "hey", "hi", "him", "his", "i", "if", "isn", "just", "know", "let", "like",
    "ll", "m", "me", "might", "mine", "more", "must", "my", "need", "no", "not", "oh",
    "ok", "okay", "or", "our", "ours", "please", "re", "really", "s", "shall", "she", "should",
    "show", "so", "some", "t", "tell", "than", "thank", "thanks", "their", "theirs", "them",
    "then", "they", "think", "us", "ve", "very", "want", "wasn", "we", "well", "will", "won",
    "would", "wouldn", "yeah", "yes", "you", "your", "yours",
}  # fmt: skip
"""Frequent in talk, where a question's stop words do not reach."""


def content_text(text: str) -> str:
    """The text without its stop words.

    >>> content_text("Could you tell me what Ada's customer number is?")
    'Ada customer number'
    """
    found = _WORD.findall(text)
    return " ".join(w for w in found if w.lower() not in STOP_WORDS and w.lower() not in _SPOKEN)


def content_words(text: str) -> list[str]:
    """The same as `ragthrift.lexical.words` writes them, each once.

    >>> content_words("Which cats have I told you about?")
    ['cat', 'told']
    """
    return list(dict.fromkeys(words(content_text(text))))
