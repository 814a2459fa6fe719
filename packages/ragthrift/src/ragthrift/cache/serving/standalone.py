"""Whether a question can be understood without what was said before it."""

import re

from ragthrift.cache.serving.wording import wording

_POINTERS = re.compile(
    r"\b(it|its|they|them|their|he|she|him|her|his|hers|this|that|these|those|there|then|one|ones"
    r"|same|other|another|instead|again|else|too|either|both|former|latter|above|previous|option"
    r"|first|second|third|last|next|now)\b"
)
_OPENERS = re.compile(
    r"^(and|but|or|so|ok|okay|yes|yeah|yep|yup|no|nope|sure|fine|great|cool|right|go|do|please"
    r"|thanks|thank|then|also|what about|how about|why not|why)\b(?!\s+(you|i|we)\b)"
)
_SUBJECTLESS = re.compile(
    r"^(?:how (?:much|long|many|do|can|does|will|would)|what|when|where|which|who|can|do|does|is"
    r"|are|will|would|should|could)\b"
)
_FIRM = re.compile(
    r"\b(?:is|was) it (?:possible|safe|ok|okay|true|legal)\b|\b(?:is|are|was) there\b"
)
_SELF = re.compile(r"\b(do|does|are|is|have|can|could|did|will) (?:you|your)\b|\byour\b")

_CONSENT = {
    "yes", "no", "yeah", "yep", "yup", "nope", "ok", "okay", "sure", "fine", "great", "cool",
    "please", "thanks", "first", "second", "third", "last", "one", "option", "go", "ahead", "on",
    "do", "it", "that", "this", "them", "both", "neither", "either", "the", "let", "let's", "and",
    "just", "then", "so",
}  # fmt: skip
"""Words of turns that agree, refuse or point, and say nothing else."""


def is_standalone(question: str) -> bool:
    """Whether a question names what it is about, so that it may meet other conversations' answers.

    It errs on the side of no: a question held to be standalone by mistake is answered from someone
    else's conversation, one held to need its context is only asked again.

    >>> is_standalone("What are the opening hours of the Leeds branch?")
    True
    >>> is_standalone("cancel it"), is_standalone("yes please"), is_standalone("how much is it?")
    (False, False, False)
    """
    plain = question.strip().replace("\u2019", "'")
    lowered = plain.lower()
    if _OPENERS.match(lowered) and not _SUBJECTLESS.match(lowered):
        return False
    if _POINTERS.search(_FIRM.sub(" ", lowered)):
        return False
    said = wording(plain)
    if not _SUBJECTLESS.match(lowered) and len(said.tokens) < 5:
        return False
    if said.names or said.identifiers:
        return len(said.topic) >= 2
    return len(said.topic) >= (2 if _SELF.search(lowered) else 4)


def is_bare(question: str) -> bool:
    """Whether a turn only answers or points at what was said just before it.

    Such a turn means whatever the assistant's last turn made it mean, so it is never served from
    another conversation, not even from one whose user said the same before.

    >>> is_bare("yes please"), is_bare("the second one"), is_bare("cancel it")
    (True, True, True)
    >>> is_bare("how long does the refund take?")
    False
    """
    said = wording(question)
    rest = [word for word in said.tokens if word not in _CONSENT]
    asks = bool(_SUBJECTLESS.match(question.strip().lower()))
    return not rest or (not asks and len(rest) <= 1 and not said.names)
