"""The shape of an ask as numbers: length, code, maths, options, conditions, what was retrieved."""

import re
from math import log1p
from statistics import mean, pstdev

from ragthrift.lexical import words
from ragthrift.route.ask import Ask
from ragthrift.types import Passage

NAMES = (
    "characters", "words", "characters_per_word", "sentences", "words_per_sentence", "numbers",
    "digits", "signs", "capitals", "different_words", "formula", "code", "negations", "questions",
    "options", "option_length", "option_spread", "stem_length", "relations", "asks_what",
    "asks_why", "longest_word", "commas", "blanks", "lines", "history",
    "prompt_tokens", "passages", "passage_length", "top_score", "score_gap", "coverage",
)  # fmt: skip
"""What each number of `structure` says, in order."""

_MOST = 8_000
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SENTENCE_END = re.compile(r"[.!?\n]")
_OPTION = re.compile(r"^\s*\(?([A-J])[.)]\s*(.*)$", re.MULTILINE)
_FORMULA = re.compile(r"[=+*/^<>\\]")
_CODE = re.compile(r"\bdef |\breturn\b|```|;\n|\{\n|\bclass \w+[:({]|\bSELECT\b.*\bFROM\b")
_NEGATION = re.compile(
    r"\b(?:not|except|never|no|none|neither|nor|without|least|unless|cannot|incorrect|false)\b"
    r"|n't\b",
    re.IGNORECASE,
)
_RELATION = re.compile(
    r"\b(?:if|each|every|more|less|than|half|twice|times|percent|remaining|left|total|per)\b|%",
    re.IGNORECASE,
)
_FRACTION = re.compile(r"\d/\d|\bhalf\b|\bthird|\bquarter|%|\bpercent", re.IGNORECASE)
_REFERENCE = re.compile(r"\b(?:he|she|they|it|him|them|his|her|their|its)\b", re.IGNORECASE)
_COMPARISON = re.compile(
    r"\b(?:more|less|fewer|than|twice|times|as (?:many|much))\b", re.IGNORECASE
)
_WHAT = re.compile(r"\b(?:which|what|who|when|where)\b", re.IGNORECASE)
_WHY = re.compile(r"\b(?:why|how|explain|prove|derive|compare)\b", re.IGNORECASE)


def structure(ask: Ask) -> tuple[float, ...]:
    """One number for each of `NAMES`; counts are logarithms of one more than the count.

    >>> dict(zip(NAMES, structure(Ask("Why not?")), strict=True))["asks_why"]
    1.0
    """
    text = clipped(ask.question)
    return (
        *_length(text),
        *_marks(text),
        *_options(text),
        *_wording(text),
        log1p(len(ask.history)),
        log1p(ask.prompt_tokens or 0),
        *_retrieved(text, ask.passages),
    )


def clipped(text: str) -> str:
    """The beginning and the end of a text too long to be read in time."""
    return text if len(text) <= _MOST else text[: _MOST * 3 // 4] + text[-_MOST // 4 :]


def difficulty(ask: Ask) -> float:
    """How hard an ask looks without any label, about -2 to 3 around 0.

    Longer asks gain most from a stronger model, before all else; then negations, clauses,
    fractions, things referred to or compared, and code. The weights are round numbers.
    """
    text = clipped(ask.question)
    return (
        log1p(len(text))
        - 5.5
        + 0.5 * log1p(len(_NEGATION.findall(text)))
        + 0.3 * log1p(text.count(",") + text.count(";"))
        + 0.3 * log1p(len(_FRACTION.findall(text)))
        + 0.2 * log1p(len(_REFERENCE.findall(text)))
        + 0.2 * log1p(len(_COMPARISON.findall(text)))
        + bool(_CODE.search(text))
    )


def _length(text: str) -> tuple[float, ...]:
    found = _WORD.findall(text)
    count, sentences = max(len(found), 1), max(len(_SENTENCE_END.findall(text)), 1)
    return (
        log1p(len(text)),
        log1p(len(found)),
        len(text) / count,
        log1p(sentences),
        len(found) / sentences,
    )


def _marks(text: str) -> tuple[float, ...]:
    found = _WORD.findall(text)
    size = max(len(text), 1)
    return (
        log1p(len(_NUMBER.findall(text))),
        sum(map(str.isdigit, text)) / size,
        sum(not c.isalnum() and not c.isspace() for c in text) / size,
        sum(map(str.isupper, text)) / size,
        len({word.lower() for word in found}) / max(len(found), 1),
        float(bool(_FORMULA.search(text))),
        float(bool(_CODE.search(text))),
        log1p(len(_NEGATION.findall(text))),
        log1p(text.count("?")),
    )


def _options(text: str) -> tuple[float, ...]:
    found = list(_OPTION.finditer(text))
    lengths = [len(option[2]) for option in found]
    return (
        log1p(len(found)),
        log1p(mean(lengths)) if lengths else 0.0,
        log1p(pstdev(lengths)) if lengths else 0.0,
        log1p(found[0].start() if found else len(text)),
    )


def _wording(text: str) -> tuple[float, ...]:
    return (
        log1p(len(_RELATION.findall(text))),
        float(bool(_WHAT.search(text))),
        float(bool(_WHY.search(text))),
        float(max(map(len, _WORD.findall(text)), default=0)),
        log1p(text.count(",")),
        log1p(text.count("_")),
        log1p(text.count("\n")),
    )


def _retrieved(text: str, passages: tuple[Passage, ...]) -> tuple[float, ...]:
    scores = sorted((p.score for p in passages if p.score is not None), reverse=True)
    asked = set(words(text))
    known = {word for passage in passages[:10] for word in words(clipped(passage.text)[:2_000])}
    return (
        log1p(len(passages)),
        log1p(sum(len(passage.text) for passage in passages)),
        scores[0] if scores else 0.0,
        scores[0] - scores[1] if len(scores) > 1 else 0.0,
        len(asked & known) / len(asked) if asked and passages else 0.0,
    )
