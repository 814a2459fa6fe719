"""Clauses that must stay known: who somebody is, their numbers, what they must not have or want."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ragthrift.memory.content_words import content_words

_OWNED = (
    r"customer|client|account|user|member(?:ship)?|patient|employee|policy|passport|licen[cs]e|tax"
    r"|insurance|phone|mobile|telephone|e-?mail|postal|zip|room|seat"
)
"""One person has one of these: a new one takes the place of the old one."""
_PLACED = r"order|booking|reservation|confirmation|case|ticket|invoice|parcel|contract|flight|claim"
_MADE = r"reference|tracking|serial|model|part|article|card|certificate|project|transaction"
_IDENTIFIER = r"(?:[ _-]*(?:id|no\.?|number|nr\.?|code|ref(?:erence)?|key|name))+|\s*[:#=]"
_VALUE = (
    r"#?\s*(?:(?=[\w.@+/-]*\d)\w[\w.@+/-]*+|(?-i:[A-Z]{5,}\b))"
    r"(?! ?(?:minute|hour|day|week|month|year|time)s?\b)"
)


def _numbered(nouns: str, named: str = _IDENTIFIER) -> str:
    return (
        rf"\b(?P<of>(?:\w+'s )?(?:{nouns}))(?:{named})"
        rf"\s*(?:is|was|:|=|#|to)?\s*(?:now |actually |really |still )?{_VALUE}"
    )


_ME = r"\b(?:i|we)(?:'m|'re| am| are| was| were|'ve been| have been)?"
_OFTEN = r"(?: (?:also|really|always|usually|only|strongly|much|would|'d|still|now|do))*"
_KINDS = {
    "owned": _numbered(_OWNED),
    "own_email": r"\bmy (?P<of>\w+ )?e-?mail\b[^@]*@",
    "email": r"\b[\w.+-]+@[\w-]+\.[\w.-]*\w",
    "telephone": r"\+?\d(?:[\s/()-]{0,2}\d){8,13}\b",
    "numbered": _numbered(f"{_PLACED}|{_MADE}"),
    "placed": rf"\b(?:{_PLACED}) #?(?=[\w-]*\d)[\w-]{{3,}}",
    "handle": r"\b(?:user|customer|account|member|login)[ _-]?(?:id|name)\s*(?:is|:|=)\s*\S+",
    "health": (
        r"\b(?:(?:no longer |not )?allerg(?:ic|y|ies)\b|intoleran(?:t|ce)\b|diabet|c(?:o?e)liac\b"
        r"|asthma|pregnant\b|vegan\b|vegetarian\b|kosher\b|halal\b|gluten[- ]free\b|wheelchair\b"
        r"|medication\b|(?:can't|cannot|can not|don't|do not|never|mustn't|not allowed to)"
        r" (?:eat|drink|tolerate|consume)\b)"
    ),
    "name": rf"\b(?:my name(?: is|'s)|call me|{_ME} called)(?-i: [A-Z])",
    "kin": r"\bmy [\w -]{2,30}?(?:'s)? (?:is|are) (?:called|named)\b|\bmy [\w -]+'s name is\b",
    "age": rf"{_ME} \d{{1,2}} years old\b",
    "birthday": r"\b(?:my birthday|my date of birth|i was born)\b",
    "home": rf"{_ME}{_OFTEN} (?:live|living|based|moved|relocated)(?: back)? (?:in|to|at)\b",
    "address": r"\bmy (?P<of>[\w']+ )?address\b",
    "work": rf"{_ME}{_OFTEN} work(?:ing)? (?P<of>at|as|for)\b|\bmy (?:job|employer) is\b",
    "budget": r"\bbudget\b|\b(?:no more than|at most|not? over|up to|maximum of) ?[$€£]? ?\d",
    "deadline": r"\bdeadline\b|\bdue (?:on|by)\b|\bneed (?:it|this|them) (?:by|before)\b",
    "favourite": r"\bmy (?:\w+ )?(?:favou?rite|preferred) (?P<of>\w+)",
    "preference": (
        rf"\b(?:i|we)(?:'d)?{_OFTEN} (?:prefer|dislike|hate|avoid|can't stand|rather)\b"
        r"|\bmy preference\b"
    ),
    "rule": (
        r"\b(?:please|from now on|in (?:the )?future)\b[^.?!]*\b(?:always|never|only|don't|do not"
        r"|in (?:german|english|french|spanish|italian))\b|^from now on\b|\bmust(?:n't| not| never"
        r"| always)\b|^(?:always|never) (?:answer|reply|respond|use|call|send|write|mention|ask"
        r"|book|include|show|speak|address|put|add|tell|contact)\b"
    ),
    "owned_thing": rf"\bmy (?P<of>[\w' -]{{2,30}}?) (?:is|are|was|:|=)"
    rf" (?:now |actually )?{_VALUE}",
}
"""From what is worst to forget to what is least bad."""
_TELLING = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _KINDS.items()}
_SINGLE = {
    "owned", "own_email", "handle", "name", "age", "birthday", "home", "address", "work",
    "favourite", "owned_thing",
}  # fmt: skip
"""Kinds of which the newest holds. Of others, such as allergies, each stays beside the others."""
_STRONGEST_LAST = list(reversed(_KINDS))

_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\n+")
_JOINT = re.compile(
    r"(?:,|;| -|,? (?:and|but|so|also|plus|because))\s+"
    r"(?=(?:also |the |an? )?(?:i|i'm|i've|i'd|my|we|our|please|allergic|intolerant|vegan"
    rf"|vegetarian|diabetic|always|never|from|{_OWNED}|{_PLACED}|{_MADE})\b)",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"^(?:(?:hi|hello|hey|good (?:morning|afternoon|evening)|thanks|thank you|ok|okay|yes|yeah|sure"
    r"|well|oh|sorry|no|actually|by the way|btw|also|and|but|so)\b(?: \w+)?[,!.]\s*)+",
    re.IGNORECASE,
)
_THANKS = re.compile(r"[\s,.!;:-]*\b(?:thanks|thank you|please|by the way|btw)\W*$", re.IGNORECASE)
_LONGEST = 200
"""Characters; a clause beyond it tells a story."""


@dataclass(frozen=True)
class Telling:
    """A clause that must stay known.

    >>> [t.text for t in tellings("Hi, my customer id is 4711, and I am allergic to peanuts!")]
    ['my customer id is 4711', 'I am allergic to peanuts']
    """

    text: str

    @cached_property
    def kind(self) -> str:
        """What it is about; empty for a clause that need not stay known."""
        return next((kind for kind, said in _TELLING.items() if said.search(self.text)), "")

    @property
    def rank(self) -> int:
        """Higher for what is worse to forget."""
        return _STRONGEST_LAST.index(self.kind) if self.kind else -1

    def replaces(self, other: "Telling") -> bool:
        """Whether the other is no longer true, or says nothing more.

        >>> new = Telling("my customer number is 4712 now")
        >>> new.replaces(Telling("customer id 4711")), new.replaces(Telling("order 4711"))
        (True, False)
        >>> Telling("I am no longer allergic to nuts").replaces(Telling("I am allergic to nuts"))
        True
        """
        if not self.kind or self.kind != other.kind:
            return False
        if self.kind in _SINGLE and self._about == other._about:
            return True
        return other._named <= self._named

    @cached_property
    def _about(self) -> str:
        found = _TELLING[self.kind].search(self.text)
        named = found.groupdict().get("of") if found else None
        return (named or "").lower()

    @cached_property
    def _named(self) -> set[str]:
        """Its content words, without the figures of a limit, which are what changes."""
        named = content_words(self.text)
        return {w for w in named if not (self.kind == "budget" and any(map(str.isdigit, w)))}


def tellings(text: str) -> Iterator[Telling]:
    """The clauses of a text that must stay known, in order; a question tells nothing."""
    for sentence in _SENTENCE_END.split(text.replace("\u2019", "'")):
        if sentence.rstrip().endswith("?"):
            continue
        for clause in _JOINT.split(sentence):
            if len(clause) <= _LONGEST:
                plain = _THANKS.sub("", _GREETING.sub("", clause.strip())).strip(" ,;:.!-")
                telling = Telling(plain)
                if telling.kind:
                    yield telling
