"""Bytes that are never the same twice, and texts that make two prompts differ by accident."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ragthrift.prompt.parts import canonical_json

Cause = Literal[
    "clock",
    "id",
    "user",
    "memory",
    "json",
    "tools",
    "whitespace",
    "window",
    "documents",
    "inserted",
    "changed",
]

ADVICE: dict[Cause, str] = {
    "clock": "put the date into PromptParts.context, right before the question",
    "id": "send ids as metadata of the call, not in the prompt",
    "user": "put what differs from user to user into PromptParts.context",
    "memory": "put memories into PromptParts.context, right before the question",
    "json": "write JSON with sorted keys: canonical_json, or json.dumps(..., sort_keys=True)",
    "tools": "send tools in one order: PromptLayout and the middleware sort them by name",
    "whitespace": "strip and join texts in one place, so that no space comes and goes",
    "window": "do not drop the oldest turns one by one; summarise many at once (ragthrift.memory)",
    "documents": "give documents a canonical order: PromptLayout(hot=...)",
    "inserted": "add what is new at the end, before the question, never in front",
    "changed": "move what changes behind what does not",
}

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_DATE = rf"(?:\d{{4}}-\d{{2}}-\d{{2}}|{_MONTH} \d{{1,2}},? \d{{4}}|\d{{1,2}}\.? {_MONTH} \d{{4}})"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AP]M|Z|[+-]\d{2}:?\d{2})?"
_ANYWHERE: tuple[tuple[Cause, re.Pattern[str]], ...] = (
    ("clock", re.compile(rf"{_DATE}[T ,]+(?:at )?{_CLOCK}")),
    ("clock", re.compile(r"\b1[6-9]\d{8}(?:\d{3})?(?:\.\d+)?\b")),
    (
        "clock",
        re.compile(rf"(?i:\b(?:today|now|current (?:date|time)|as of)\b)[^\n]{{0,20}}?{_DATE}"),
    ),
    ("clock", re.compile(rf"(?i:\b(?:now|current time|time is)\b)[^\n]{{0,20}}?{_CLOCK}")),
    ("id", re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")),
    (
        "id",
        re.compile(r"(?i)\b(?:request|trace|session|run|correlation|thread)[ _-]?id\W{1,3}\w\S*"),
    ),
    ("user", re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]+\b")),
    (
        "user",
        re.compile(
            r"(?i)\b(?:the user(?:'s name)? is|you are (?:talking|speaking) to|user ?name:)"
        ),
    ),
    (
        "memory",
        re.compile(
            r"(?i)\b(?:(?:relevant|user) memor(?:y|ies)|memor(?:y|ies):|facts about the user)"
        ),
    ),
)
"""What may stand in a stable part only by mistake."""
_WHERE_TEXTS_PART: tuple[tuple[Cause, re.Pattern[str]], ...] = (
    *_ANYWHERE,
    ("clock", re.compile(_DATE)),
    ("clock", re.compile(_CLOCK)),
    ("id", re.compile(r"\b(?=\w*\d)(?:[0-9a-f]{12,}|[A-Za-z]{2,5}_\w{10,})\b")),
)
"""Surely volatile where two prompts differ in them."""
_REACH: dict[Cause, int] = {"user": 40, "memory": 200}
"""Characters behind such words that belong to them: the name, what is remembered."""
_OBJECT = re.compile(r"[{\[]")


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something volatile in a text."""

    cause: Cause
    start: int
    text: str


def volatile_in(text: str) -> Iterator[Sighting]:
    """What in one text looks as if it changed from call to call.

    >>> [one.cause for one in volatile_in("You are a waiter. Today is 2026-11-22.")]
    ['clock']
    >>> list(volatile_in("The rules of 2026-01-01 hold. Open from 9:00 to 17:00."))
    []
    """
    seen: list[tuple[int, int]] = []
    for cause, pattern in _ANYWHERE:
        for match in pattern.finditer(text):
            if not any(start < match.end() and match.start() < end for start, end in seen):
                seen.append(match.span())
                yield Sighting(cause, match.start(), match[0])
    for start, value in json_in(text):
        if canonical_json(value) != json.dumps(value, separators=(",", ":"), ensure_ascii=False):
            yield Sighting("json", start, text[start : start + 40])


def why_texts_part(old: str, new: str, at: int) -> Cause:
    """Why two texts that should be equal differ from a character on.

    >>> why_texts_part("It is 9:30.", "It is 9:41.", 8)
    'clock'
    >>> why_texts_part('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', 2)
    'json'
    """
    if old.split() == new.split():
        return "whitespace"
    for text, other in ((new, old), (old, new)):
        end = at + max(len(text) - len(other), 1)  # of what was put in
        for cause, pattern in _WHERE_TEXTS_PART:
            reach = _REACH.get(cause, 0)
            found = pattern.finditer(text)
            if any(match.start() < end and at < match.end() + reach for match in found):
                return cause
    first, second = ([canonical_json(value) for _, value in json_in(text)] for text in (old, new))
    return "json" if first and first == second else "changed"


def json_in(text: str) -> Iterator[tuple[int, object]]:
    """Objects and lists of JSON in a text, and where they begin."""
    decoder, start = json.JSONDecoder(), 0
    while match := _OBJECT.search(text, start):
        try:
            value, start = decoder.raw_decode(text, match.start())
        except ValueError:
            start = match.end()
            continue
        if value:
            yield match.start(), value
