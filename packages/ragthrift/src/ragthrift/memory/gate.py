"""Whether a message asks for something that the conversation no longer shows."""

import re
from collections.abc import Sequence

from ragthrift.lexical import words
from ragthrift.memory.content_words import content_words
from ragthrift.types import Message

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_REQUEST = re.compile(
    r"(?:(?:please|so|and|then|now|ok|okay|also|well|hi|hey|thanks)[,!]?\s+)*"
    r"(?:what|who|whose|when|where|which|why|how|tell|show|list|give|find|use|book|order|change"
    r"|cancel|update|send|check|compare|explain|summari[sz]e|recommend|suggest|describe|name|write"
    r"|(?:i|we)(?: want| need| would like|'d like)(?: you to|(?: to)? (?:know|see|change|cancel"
    r"|book|order|find|check|update|return|buy|add|remove|use|upgrade|continue|compare)))\b",
    re.IGNORECASE,
)
_EXCLAMATION = re.compile(r"(?:what an?|how)\b.*!$", re.IGNORECASE)
_LOOKING_BACK = re.compile(
    r"\b(?:remember|remind|recall|earlier|previously|last time|as before"
    r"|(?:i|you|we)(?:'ve| have|'d| had)?(?: already)?"
    r" (?:said|told|mentioned|talked|discussed|agreed|asked))\b",
    re.IGNORECASE,
)
_VAGUE = {
    "all", "amazing", "anything", "awesome", "been", "being", "best", "better", "came", "come",
    "cool", "course", "day", "else", "enjoy", "ever", "everything", "excited", "favorite",
    "favourite", "feel", "feeling", "find", "found", "fun", "good", "great", "guys", "happen",
    "happened", "hear", "hearing", "help", "idea", "ideas", "inspire", "inspired", "into", "keep",
    "kind", "lately", "look", "looking", "lot", "love", "made", "make", "making", "manage", "new",
    "next", "nice", "nothing", "one", "other", "out", "own", "part", "people", "plan", "planning",
    "plans", "recently", "something", "sort", "sound", "sounds", "start", "started", "stuff",
    "sure", "take", "thing", "things", "think", "thought", "time", "today", "took", "try",
    "trying", "type", "up", "usually", "way", "weekend", "working",
}  # fmt: skip
"""Words that follow a talk without naming anything in it."""
_VAGUE_STEMS = {stem for word in _VAGUE for stem in words(word)}
_SEARCH_WORDS = 8
"""A message of no more words, none of them a verb of talk, may be a search without a question
mark; small talk of that length has no new word in it."""


def worth_recalling(query: str, window: Sequence[Message]) -> bool:
    """Whether old turns may hold what `query` asks for and `window`, the turns still sent, lacks.

    Small talk does not pay for recall. A message that looks back always does; a question or a
    request does where it names something that no message of the window has.

    >>> window = [Message("user", "Which soup is there?"), Message("assistant", "Lentil soup.")]
    >>> worth_recalling("What was my customer number?", window)
    True
    >>> worth_recalling("Is the soup hot?", window[:1] + [Message("assistant", "Hot soup.")])
    False
    >>> worth_recalling("Haha, that was a lovely day!", window)
    False
    """
    asking = _asking(query)
    if any(_LOOKING_BACK.search(part) for part in asking):
        return True
    if not asking and not _is_search(query):
        return False
    named = set(content_words(" ".join(asking) or query)) - _VAGUE_STEMS
    return not named <= {word for message in window for word in words(message.content)}


def asked_part(query: str) -> str:
    """The questions and requests of a message, by which old turns are found; else all of it.

    >>> asked_part("We had such a storm yesterday! What is my customer number?")
    'What is my customer number?'
    """
    return " ".join(_asking(query)) or query


def _asking(query: str) -> list[str]:
    return [part for part in _SENTENCE_END.split(query.strip()) if _asks(part)]


def _asks(sentence: str) -> bool:
    if _EXCLAMATION.match(sentence):
        return False
    return (
        sentence.rstrip("\"')").endswith("?")
        or _REQUEST.match(sentence) is not None
        or _LOOKING_BACK.search(sentence) is not None
    )


def _is_search(query: str) -> bool:
    """Bare search terms: `customer number`, without an end or a subject."""
    plain = query.strip()
    return (
        0 < len(plain.split()) <= _SEARCH_WORDS
        and plain[-1] not in ".!…"
        and len(content_words(plain)) == len(set(words(plain)))
    )
