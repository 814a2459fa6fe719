"""What no word-dropping may touch: numbers, dates, units, negations, links, citations, code."""

import re
from collections.abc import Sequence

from ragthrift.compress.sentences import Span

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_UNIT = (
    r"(?:[kmgtµunp]?(?:g|m|s|l|b|w|v|a|j|hz|pa|bit|byte)s?|°\s?[cfk]|[ck]m|mm|µm|nm|km/h|mph|m/s|kg|mg|"
    r"lbs?|oz|ft|in|mi|yd|ml|dl|kwh?|mwh?|db|rpm|ppm|ppb|iu|kcal|cal|[kmgt]i?b|percent|per cent|"
    r"hundred|thousand|million|billion|trillion|bn|dozen|seconds?|secs?|minutes?|mins?|hours?|"
    r"hrs?|days?|weeks?|months?|years?|yrs?|centur(?:y|ies)|decades?|times|fold|points?|"
    r"dollars?|euros?|pounds?|cents?|usd|eur|gbp|jpy|chf|degrees?|met(?:er|re)s?|"
    r"kilomet(?:er|re)s?|miles?|feet|inch(?:es)?|grams?|kilos?|tons?|tonnes?|lit(?:er|re)s?|"
    r"watts?|volts?|a\.?m\.?|p\.?m\.?|bc|bce|ad|ce)"
)
_SIGN = r"(?:[<>≤≥=~±+−-]\s?)?(?:[$€£¥₹]\s?)?"  # noqa: RUF001
_NUMBER = r"(?<![^\W_])[^\W\d_]*[.,]?\d\S*"
_NUMBER_WORD = (
    r"(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|twenty|thirty|"
    r"forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|millions?|billions?|"
    r"half|twice|zero|dozens?)"
)
_NOT = (
    r"(?:not|no|non|never|none|nor|neither|nobody|nothing|nowhere|cannot|without|except|unless|"
    r"excluding|hardly|barely|rarely|seldom|lacks?|nicht|kein\w*|nie|niemals|ohne|außer|ne|pas|"
    r"jamais|sans|sauf|nunca|sin|jamás|ninguna?|non|mai|senza|não|sem)"
)

PROTECTED: tuple[str, ...] = (
    r"```.*?```|`[^`\n]+`",
    r"(?:https?|ftp|file)://\S+|www\.\S+|(?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.-]+",
    r"(?<![\w.~\\/-])(?:[A-Za-z]:)?(?:[\w.~-]*[\\/])+[\w.~-]+",
    r"\[[\d,;\s–-]+\]|\[\^?[\w:.-]+\]",  # noqa: RUF001
    r"\([^()\n]{0,80}\b(?:1[5-9]|20)\d\d[a-z]?\b[^()\n]{0,20}\)",
    rf"\b{_MONTH}\s+\d{{1,4}}(?:st|nd|rd|th)?\b(?:,?\s+\d{{4}}\b)?",
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}(?:,?\s+\d{{4}}\b)?",
    rf"{_SIGN}{_NUMBER}(?:[ \u00a0]{_UNIT}\b(?:/\S+|²|³)?)?",
    rf"\b{_NUMBER_WORD}(?:[-\s]{_NUMBER_WORD})*\b(?:\s{_UNIT}\b)?",
    rf"\b{_NOT}\b(?:\s+(?:be|been|a|an|the|to|more|less|yet)\b)*(?:\s+[^\s.,;:!?]+)?",
    r"\b\w+n['’]t\b(?:\s+[^\s.,;:!?]+)?",  # noqa: RUF001
    r"\b\w+\(\)",
    r"[〇零一二三四五六七八九十百千万亿两]+[\u4e00-\u9fff]?",
    r"[不没没有非无未]",
    r"(?:≤|≥|<|>|=|±|%|°)",
)
"""Patterns, applied without regard to case."""

_NAMES = r"\b\w+[A-Z_]\w*"
"""Names in code and acronyms, by an inner capital or underscore: here case matters."""

_COMPILED = (
    *(re.compile(pattern, re.IGNORECASE | re.DOTALL) for pattern in PROTECTED),
    re.compile(_NAMES),
)


def protected(text: str, more: Sequence[re.Pattern[str]] = ()) -> list[Span]:
    """Spans of what must survive as it stands, in order; overlapping ones are one.

    >>> text = "The dose was not raised to 50 mg on 3 May 2024 [12], see https://x.org/a."
    >>> [text[start:end] for start, end in protected(text)]
    ['not raised', '50 mg', '3 May 2024', '[12],', 'https://x.org/a.']
    """
    spans = sorted(
        found.span()
        for pattern in (*_COMPILED, *more)
        for found in pattern.finditer(text)
        if found.start() < found.end()
    )
    merged: list[Span] = []
    for start, end in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged
