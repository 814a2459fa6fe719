"""What an answer shows of itself: its end, its numbers, its arithmetic, its doubts."""

import re
from collections.abc import Iterable
from math import log1p

from ragthrift.route.arithmetic import Equation, equations, numbers, without_annotations
from ragthrift.route.ask import Ask
from ragthrift.route.features import clipped
from ragthrift.route.grounding import grounding
from ragthrift.route.refusal import refusal

NAMES = (
    "characters", "words", "lines", "of_question", "ends", "last_line", "last_line_words",
    "letters_in_last_line", "marked", "doubts", "question_words_used", "repeats", "digits",
    "equations", "wrong", "wrong_share", "no_equation", "question_numbers_used",
    "question_numbers", "question_numbers_left", "new_numbers", "numbers", "equal_signs",
    "decimals", "fractions", "steps_per_number", "unknowns",
    "no_result", "fraction", "fraction_of_things", "size", "result_in_question",
    "result_of_last_equation", "result_of_an_equation", "several_results", "below_zero",
    "refusal", "grounded", "grounded_numbers", "grounded_names",
)  # fmt: skip
"""What each number of `answered` says, in order."""

_WORD = re.compile(r"\w+")
_END = re.compile(r"[.!?\d)\]\"'`*}%]$")
_MARK = re.compile(r"\W*#+")
_COUNTED = re.compile(r"\bhow many\b", re.IGNORECASE)
_BELOW_ZERO = re.compile(r"-\s?\$?\d")
_UNKNOWN = re.compile(r"\b[xyn]\b\s*[=+\-]|\d[xyn]\b")
_DOUBT = re.compile(
    r"\b(?:however|but|since|assum\w*|approximately|about|round\w*|cannot|can't|unclear|unknown"
    r"|not (?:given|provided|specified|mentioned|possible|enough|sure)|unfortunately|actually"
    r"|instead|therefore|perhaps|probably|might|let's|let)\b|\?",
    re.IGNORECASE,
)
_WORDED = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "half": 0.5, "twice": 2, "double": 2,
    "triple": 3, "third": 0.33, "quarter": 0.25, "dozen": 12, "twenty": 20, "thirty": 30,
    "fifty": 50, "hundred": 100,
}  # fmt: skip


def answered(ask: Ask, answer: str) -> tuple[float, ...]:
    """One number for each of `NAMES`.

    >>> ask = Ask("A box holds 12 eggs. How many eggs are in 3 boxes?")
    >>> seen = dict(zip(NAMES, answered(ask, "3 x 12 = 38 eggs."), strict=True))
    >>> seen["wrong_share"], seen["question_numbers_used"]
    (1.0, 1.0)
    """
    question, text = clipped(ask.question), clipped(answer)
    found = equations(text)
    return (
        *_form(question, text),
        *_workings(question, text, found),
        *_result(question, text, found),
        *_support(ask, text),
    )


def last_line(text: str) -> str:
    """The last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _form(question: str, text: str) -> tuple[float, ...]:
    lines = [line for line in text.splitlines() if line.strip()]
    last = last_line(text)
    said, asked = (set(map(str.lower, _WORD.findall(one))) for one in (text, question))
    carrying = {word for word in asked if len(word) > 3}
    return (
        log1p(len(text)),
        log1p(len(_WORD.findall(text))),
        log1p(len(lines)),
        min(len(text) / max(len(question), 1), 20.0),
        float(bool(_END.search(text.rstrip()))),
        log1p(len(last)),
        log1p(len(_WORD.findall(last))),
        log1p(sum(map(str.isalpha, last))),
        float(bool(_MARK.match(last))),
        log1p(len(_DOUBT.findall(text))),
        len(carrying & said) / max(len(carrying), 1),
        float(len(set(lines)) < len(lines)),
        sum(map(str.isdigit, text)) / max(len(text), 1),
    )


def _workings(question: str, text: str, found: list[Equation]) -> tuple[float, ...]:
    asked, said = set(numbers(question)), numbers(without_annotations(text))
    worded = {n for word, n in _WORDED.items() if re.search(rf"\b{word}", question, re.IGNORECASE)}
    known = _rounded(asked | worded | {equation.said for equation in found})
    used = _rounded(set(numbers(text)))
    wrong = sum(not equation.holds for equation in found)
    return (
        log1p(len(found)),
        log1p(wrong),
        wrong / max(len(found), 1),
        float(not found),
        _share(number in used for number in _rounded(asked)) if asked else 1.0,
        log1p(len(asked)),
        float(len(_rounded(asked) - used)),
        _share(round(number, 2) not in known for number in said),
        log1p(len(said)),
        log1p(text.count("=")),
        float(max((_decimals(number) for number in said), default=0)),
        _share(number != round(number) for number in said),
        log1p(len(found)) - log1p(len(asked)),
        float(bool(_UNKNOWN.search(text.lower()))),
    )


def _result(question: str, text: str, found: list[Equation]) -> tuple[float, ...]:
    last = last_line(text)
    here = numbers(last)
    result = next(iter(reversed(here or numbers(text))), None)
    if result is None:
        return (1.0, *[0.0] * 8)
    broken = result != round(result)
    return (
        0.0,
        float(broken),
        float(broken and bool(_COUNTED.search(question))),
        log1p(result),
        float(round(result, 2) in _rounded(set(numbers(question)))),
        float(bool(found) and abs(found[-1].said - result) < 0.01 * max(1.0, result)),
        float(round(result, 2) in _rounded({equation.said for equation in found})),
        float(bool(here) and here[0] != result),
        float(bool(_BELOW_ZERO.search(last))),
    )


def _support(ask: Ask, text: str) -> tuple[float, ...]:
    said = refusal(text)
    if not ask.passages:
        return (float(said is not None), 0.0, 0.0, 0.0)
    share = grounding(text, ask.passages, ask.question)
    return (float(said is not None), share.words, share.numbers, share.names)


def _rounded(found: Iterable[float]) -> set[float]:
    return {round(number, 2) for number in found}


def _share(flags: Iterable[bool]) -> float:
    seen = list(flags)
    return sum(seen) / len(seen) if seen else 0.0


def _decimals(number: float) -> int:
    return 0 if number == round(number) else len(f"{number:.6f}".rstrip("0").split(".")[1])
