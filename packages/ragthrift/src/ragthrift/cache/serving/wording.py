"""What a question says, taken apart: topic words, quantities, names, negation, question type."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ragthrift.cache.serving.lexicon import (
    AUDIENCE,
    CALENDAR,
    FILLER,
    NEGATORS,
    NUMBERS,
    OPPOSITES,
    SYNONYMS,
    UNITS,
)

_TOKEN = re.compile(r"[£$€]|%|\d+(?:[.,/:]\d+)*|[^\W\d_]+(?:['\-][^\W\d_]+)*|[^\W_]+")
_IDENTIFIER = re.compile(
    r"https?://\S+|\S+@\S+\.\w+|\bv?\d+(?:\.\d+){1,}\b|#\d+"
    r"|\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\b"
)
_QUANTITY = re.compile(r"(\d+)([a-z%]+)")
_DIGITS = re.compile(r"\d+(?:[.,/:]\d+)*")
_SUFFIXES = ("ings", "ing", "ies", "ied", "ed", "es", "s", "e")
_PREFIXES = ("un", "non-", "non", "in", "dis", "de-", "de", "ir", "im")
_TYPES = {
    "how many": "amount", "how much": "amount", "how long": "duration", "how often": "frequency",
    "how far": "amount", "how": "manner", "when": "time", "what time": "time", "where": "place",
    "who": "person", "whose": "person", "why": "reason", "can": "yes-no", "could": "yes-no",
    "do": "yes-no", "does": "yes-no", "did": "yes-no", "is": "yes-no", "are": "yes-no",
    "was": "yes-no", "will": "yes-no", "would": "yes-no", "should": "yes-no", "am": "yes-no",
    "has": "yes-no", "what": "what", "which": "what",
}  # fmt: skip
_HOW_MANY = re.compile(r"\bhow many (\w+)(?: (\w+))?")
_ASKING = re.compile(r"\b(how (?:many|much|long|often|far)|what time|" + "|".join(_TYPES) + r")\b")


@dataclass(frozen=True, slots=True)
class Wording:
    """A question taken apart. Words are stems, quantities are in one unit a kind."""

    tokens: tuple[str, ...]
    """All words, lower-cased."""
    topic: tuple[str, ...]
    """Stems that carry the topic, in the order asked, without repeats."""
    quantities: frozenset[tuple[str, float]]
    calendar: frozenset[str]
    identifiers: frozenset[str]
    names: frozenset[str]
    """Stems of words capitalised in the middle of a sentence."""
    negations: int
    sides: frozenset[tuple[int, int]]
    """(opposition, side) of the words that stand on one side of an opposition."""
    audience: frozenset[str]
    roles: frozenset[tuple[str, str]]
    """(topic word, "from" or "to"): where a way starts and where it ends."""
    kind: str
    measure: str
    """The unit that "how many" asks for, in the singular."""


def stem(word: str) -> str:
    """A word without its inflection.

    >>> stem("cancelled"), stem("policies"), stem("cancel")
    ('cancel', 'polic', 'cancel')
    """
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)]
            if len(word) > 3 and word[-1] == word[-2] and word[-1] in "bdglmnprt":
                word = word[:-1]
            break
    return word[:-1] if word.endswith(("y", "i")) and len(word) > 4 else word


_OPPOSITE = {
    (stem(word), number, side)
    for number, line in enumerate(OPPOSITES.replace("\n ", " ").splitlines())
    for side, words in enumerate(line.split(":"))
    for word in words.split()
}
_SIDES: dict[str, frozenset[tuple[int, int]]] = {
    word: frozenset((n, s) for w, n, s in _OPPOSITE if w == word) for word, _, _ in _OPPOSITE
}
_SETS: dict[str, frozenset[int]] = {}
for _row, _line in enumerate(SYNONYMS.splitlines()):
    for _word in _line.split():
        _SETS[stem(_word)] = _SETS.get(stem(_word), frozenset()) | {_row}
_AUDIENCE = frozenset(stem(word) for word in AUDIENCE)


def synonyms(one: str, other: str) -> bool:
    """Whether two stems are in one set of synonyms.

    >>> synonyms(stem("store"), stem("shops"))
    True
    """
    return bool(_SETS.get(one, frozenset()) & _SETS.get(other, frozenset()))


def opposed(one: str, other: str) -> bool:
    """Whether two stems stand on the two sides of an opposition, or differ by a negating prefix.

    >>> opposed(stem("enable"), stem("disable")), opposed("mut", "unmut")
    (True, True)
    """
    theirs = _SIDES.get(other, frozenset())
    if any((number, 1 - side) in theirs for number, side in _SIDES.get(one, ())):
        return True
    short, long = sorted((one, other), key=len)
    return len(short) > 2 and any(long == prefix + short for prefix in _PREFIXES)


@lru_cache(maxsize=8192)
def wording(question: str) -> Wording:
    """A question taken apart, remembered because neighbours come back."""
    return take_apart(question)


def take_apart(question: str) -> Wording:
    """Take a text apart.

    >>> take_apart("Can I return it within 2 weeks?").quantities
    frozenset({('time', 14.0)})
    """
    plain = question.replace("\u2019", "'").strip()
    tokens = _TOKEN.findall(plain)
    lowered = [token.lower() for token in tokens]
    negations = sum(t in NEGATORS or t.endswith("n't") or t in _BARE_NOT for t in lowered)
    quantities, used = _quantities(lowered)
    identifiers = frozenset(
        m.lower() for m in _IDENTIFIER.findall(plain) if not _QUANTITY.fullmatch(m.lower())
    )
    topic = [t for at, t in enumerate(lowered) if at not in used and _carries(t)]
    stems = [stem(t.removesuffix("'s")) for t in topic]
    return Wording(
        tokens=tuple(lowered),
        topic=tuple(dict.fromkeys(stems)),
        quantities=quantities,
        calendar=frozenset(t for t in lowered if t.rstrip("s") in CALENDAR),
        identifiers=identifiers,
        names=_names(tokens, plain),
        negations=negations,
        sides=frozenset(p for t in lowered for p in _SIDES.get(stem(t), ())),
        audience=frozenset(s for s in stems if s in _AUDIENCE),
        roles=frozenset(_roles(lowered)),
        kind=_kind(plain.lower()),
        measure=_measure(plain.lower()),
    )


_WAYS = {"from": "from", "to": "to", "into": "to", "onto": "to"}
_BARE_NOT = {
    "cant", "dont", "doesnt", "didnt", "isnt", "arent", "wont", "wasnt", "havent", "hasnt",
    "shouldnt",
}  # fmt: skip
_STARTS = re.compile(r"(?:^|[.!?,:;]\s+)([^\W\d_]+)")


def _carries(token: str) -> bool:
    bare = token.removesuffix("'s")
    if token.endswith("n't") or token in _BARE_NOT or token in NEGATORS:
        return False
    return not {token, bare, bare.removesuffix("s")} & FILLER


def _names(tokens: list[str], plain: str) -> frozenset[str]:
    capitals = sum(t[:1].isupper() for t in tokens)
    if len(tokens) > 2 and capitals > 0.7 * len(tokens):
        return frozenset()
    starts = {m.group(1) for m in _STARTS.finditer(plain)}
    return frozenset(
        stem(t.lower().removesuffix("'s"))
        for t in tokens
        if t[:1].isupper()
        and t not in starts
        and t != "I"
        and not t.startswith("I'")
        and t.lower() not in FILLER
    )


def _quantities(tokens: list[str]) -> tuple[frozenset[tuple[str, float]], set[int]]:
    found: set[tuple[str, float]] = set()
    used: set[int] = set()
    for at, token in enumerate(tokens):
        number, unit = _number(token)
        if number is None:
            continue
        used.add(at)
        for near in (at - 1, at + 1):
            word = tokens[near] if 0 <= near < len(tokens) else ""
            key = word if word in UNITS else word.rstrip("s")
            if not unit and (near > at or word in "£$€") and key in UNITS:
                unit = key
                used.add(near)
        kind, factor = UNITS.get(unit, (unit, 1.0))
        found.add((kind, round(number * factor, 6)))
    return frozenset(found), used


def _number(token: str) -> tuple[float | None, str]:
    head, _, tail = token.partition("-")
    if head in NUMBERS:
        more = NUMBERS.get(tail)
        return NUMBERS[head] + (more or 0), "" if more is not None else tail.split("-")[0]
    glued = _QUANTITY.fullmatch(token)
    if glued:
        return float(glued.group(1)), glued.group(2)
    if not _DIGITS.fullmatch(token):
        return None, ""
    parts = re.split(r"[/:]", token.replace(",", ""))
    try:
        value = 0.0
        for part in parts:
            value = value * 100 + float(part)
    except ValueError:
        return None, ""
    return value, ""


def _roles(tokens: list[str]) -> Iterator[tuple[str, str]]:
    place = ""
    for token in tokens:
        if token in _WAYS:
            place = _WAYS[token]
        elif place and token not in FILLER:
            yield stem(token.removesuffix("'s")), place
            place = ""


def _kind(lowered: str) -> str:
    asked = _ASKING.search(lowered)
    return _TYPES[asked.group(1)] if asked else "statement"


def _measure(lowered: str) -> str:
    asked = _HOW_MANY.search(lowered)
    words = asked.groups() if asked else ()
    return next((word.rstrip("s") for word in words if word and word.rstrip("s") in UNITS), "")
