"""Answers that say there is none: declined by the model, or missing from what was retrieved."""

import re
from typing import Literal

MOST_WORDS = 80
"""A longer text that begins with regret goes on to answer."""
_OPENING = 400

_SOURCE = r"(?:context|passages?|documents?|texts?|sources?|excerpts?|information|articles?|data)"
_GIVES = (
    r"(?:contain|mention|provide|include|specify|say|state|give|have|answer|address|cover|indicate"
    r"|discuss|offer|tell)"
)
_MISSING = re.compile(
    rf"""\b{_SOURCE}\ (?:\w+\ ){{0,3}}?(?:do(?:es)?|did)(?:\ not|n't)\ (?:\w+\ )?{_GIVES}
    | \b(?:no|not\ enough|insufficient|lacks?)\ (?:\w+\ ){{0,2}}?(?:information|context|mention)\b
    | \b(?:not|n't)\ (?:\w+\ )?(?:mentioned|provided|specified|stated|available|found|included
        |given|covered)\b.*\b{_SOURCE}\b
    | \b(?:could(?:\ not|n't)|can(?:\ ?not|'t)|(?:was|am|'m)\ unable\ to|did(?:\ not|n't))
        \ (?:find|see|locate|determine|answer|tell|say)\b.*\b{_SOURCE}\b
    | \bI\ (?:do\ not|don't)\ (?:know\b|have\ (?:enough|that)\b
        |have\ (?:\w+\ ){{0,3}}?(?:information|context|knowledge|access|details|answer)\b)
    | ^\W*(?:unknown|n/?a|none|not\ found|unanswerable|no\ answer|insufficient\ context)\W*$
    """,
    re.IGNORECASE | re.VERBOSE,
)
_DECLINED = re.compile(
    r"""^\W*(?:(?:i'm|i\ am|we're)\ )?(?:very\ |so\ |really\ )?sorry\b
    | ^\W*(?:unfortunately,?\ |regrettably,?\ )?(?:i|we)(?:\ can(?:\ ?not|'t)|\ won't|\ will\ not
        |\ must\ decline|'m\ (?:not\ able|unable)|\ am\ (?:not\ able|unable))\b
    | ^\W*as\ an?\ (?:ai|large\ language|language\ model)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


def refusal(answer: str) -> Literal["missing", "declined"] | None:
    """Whether an answer says that the sources lack it, or that the model will not give one.

    >>> refusal("The context does not mention opening hours.")
    'missing'
    >>> refusal("I'm sorry, I can't help with that.")
    'declined'
    >>> refusal("You can't park there.") is None
    True
    """
    plain = " ".join(answer.replace("\u2019", "'").split())
    if not plain or plain.count(" ") >= MOST_WORDS:
        return None
    opening = plain[:_OPENING]
    first = re.split(r"(?<=[.!?])\s", opening, maxsplit=1)[0]
    if _MISSING.search(first) or (_DECLINED.search(first) and _MISSING.search(opening)):
        return "missing"
    return "declined" if _DECLINED.search(first) else None
