"""What is looked at in an answer before it leaves."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ragthrift.errors import InputError
from ragthrift.route.ask import Ask
from ragthrift.route.call import Attempt, Call, Finding, Remedy
from ragthrift.route.grounding import content_words, coverage, grounding, numbers
from ragthrift.route.refusal import refusal
from ragthrift.route.schema import misfit
from ragthrift.types import Passage


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer under check."""

    call: Call
    ask: Ask
    attempt: Attempt
    again: Callable[[], Attempt]
    """Asks the same tier once more, which is billed; its error is raised."""


Check = Callable[[Answered], Finding | None]
"""`answered -> Finding | None`: what is wrong with an answer, if anything."""

GroundingScore = Callable[[str, Sequence[Passage]], float]
"""`(answer, passages) -> 0..1`: how far an answer rests on its passages."""

COVERED, UNCOVERED = 0.8, 0.3
"""Shares of the question's words in the passages: above the one the document seems to be there,
below the other it seems not to be."""
_FOUND_BY_DEARER = 0.15
"""Of answers "not in the context" the dearer model corrected 10 of 71 where the document was in the
store, and none where it was not (FinanceBench; GPT-4 and GPT-4 Turbo)."""


def empty(answered: Answered) -> Finding | None:
    """No text, and no tool called."""
    if answered.attempt.text.strip() or answered.attempt.tool_calls:
        return None
    return Finding("empty", "the answer is empty", "escalate", fixable=0.8)


def declined(answered: Answered) -> Finding | None:
    """The model will not answer."""
    attempt = answered.attempt
    if attempt.finish_reason == "content_filter":
        return Finding("declined", "the provider filtered the answer", "escalate", fixable=0.3)
    if attempt.tool_calls or refusal(attempt.text) != "declined":
        return None
    return Finding("declined", "the model declined to answer", "escalate", fixable=0.4)


def missing(answered: Answered) -> Finding | None:
    """The model says that the passages lack the answer: a dearer one would rarely find it there."""
    if answered.attempt.tool_calls or refusal(answered.attempt.text) != "missing":
        return None
    if answered.call.passages is None:
        return Finding("missing", "the model does not know", "escalate", fixable=0.4)
    if not answered.ask.passages:
        return Finding("missing", "nothing was retrieved", "retrieve")
    covered = coverage(answered.ask.question, answered.ask.passages)
    detail = f"not in the passages, which hold {covered:.0%} of the question's words"
    if covered < COVERED:
        return Finding("missing", detail, "retrieve")
    return Finding("missing", detail, "escalate", fixable=_FOUND_BY_DEARER)


def truncated(answered: Answered) -> Finding | None:
    """The answer was cut at its longest."""
    if answered.attempt.finish_reason != "length":
        return None
    return Finding("truncated", "the answer was cut off", "escalate", severity=0.6, fixable=0.3)


def structured(answered: Answered) -> Finding | None:
    """The answer is not JSON of the schema that was asked for; as a tool's arguments it may be."""
    schema, attempt = answered.call.schema, answered.attempt
    if schema is None or (attempt.tool_calls and answered.call.tools):
        return None
    text = attempt.text.strip() or "".join(call.arguments for call in attempt.tool_calls)
    wrong = misfit(text, schema)
    return None if wrong is None else Finding("schema", wrong, "repair", fixable=0.8)


def tool_arguments(answered: Answered) -> Finding | None:
    """A tool is called that does not exist, or with arguments that it does not take."""
    tools = answered.call.tools
    for call in answered.attempt.tool_calls if tools else ():
        schema = tools.get(call.name)
        known = f"no tool is named {call.name}; there are {', '.join(sorted(tools))}"
        wrong = known if schema is None else misfit(call.arguments or "{}", schema)
        if wrong is not None:
            return Finding("tool_arguments", f"{call.name}: {wrong}", "repair", fixable=0.8)
    return None


_CITATION = re.compile(r"(?<![\w\])])\[([\w.:/-]{1,64}(?:,\s*[\w.:/-]{1,64})*)\](?!\()")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


def citations(answered: Answered) -> Finding | None:
    """A citation in brackets, by number or id, of a passage that was not given."""
    passages = answered.ask.passages
    if not passages:
        return None
    texts = "\n".join(passage.text for passage in passages)
    known = {passage.id for passage in passages} | {str(n + 1) for n in range(len(passages))}
    cited = (
        mark.strip()
        for group in _CITATION.findall(_CODE.sub(" ", answered.attempt.text))
        for mark in group.split(",")
    )
    strange = (mark for mark in cited if any(letter.isdigit() for letter in mark))
    for mark in strange:
        if mark not in known and f"[{mark}]" not in texts:
            detail = f"[{mark}] is none of the {len(passages)} passages"
            return Finding("citations", detail, "escalate", severity=0.5, fixable=0.5)
    return None


@dataclass(frozen=True, slots=True)
class Grounded:
    """An answer from elsewhere than the passages. `score` puts a checker of yours in its place."""

    min_score: float = 0.5
    """Of 437 answers by three writers, 0.5 finds 69 % of those that people rated unfaithful (below
    3 of 4 on average), and 61 % of what it finds is (MTRAG, human evaluation)."""
    score: GroundingScore | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.min_score <= 1:
            raise InputError(f"Grounded(min_score={self.min_score}) must be from 0 to 1")

    def __call__(self, answered: Answered) -> Finding | None:
        """A finding below `min_score`; where the passages lack the question, to retrieve.

        What was written to a schema is not looked at: its words are the schema's.
        """
        text, ask = answered.attempt.text, answered.ask
        if not ask.passages or not text.strip() or refusal(text):
            return None
        if answered.call.schema is not None:
            return None
        if self.score is None:
            found = grounding(text, ask.passages, ask.question).score
        else:
            found = self.score(text, ask.passages)
        if found >= self.min_score:
            return None
        lacking = coverage(ask.question, ask.passages) < UNCOVERED
        detail = f"{found:.2f} of the answer rests on the passages"
        remedy: Remedy = "retrieve" if lacking else "escalate"
        return Finding("grounded", detail, remedy, severity=1 - found, fixable=0.4)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two answers of one tier that differ; costs a second call for every answer it looks at."""

    min_overlap: float = 0.5

    def __call__(self, answered: Answered) -> Finding | None:
        """A finding where the answers share too few of their words and numbers."""
        if answered.attempt.tool_calls:
            return None
        overlap = agreement(answered.attempt.text, answered.again().text)
        if overlap >= self.min_overlap:
            return None
        detail = f"two answers of the tier share {overlap:.0%}"
        return Finding("agreement", detail, "escalate", severity=1 - overlap, fixable=0.4)


def agreement(one: str, other: str) -> float:
    """How far two answers say the same, 0 to 1: F1 of their words, 0 if their numbers differ.

    >>> agreement("It is 42 in all.", "In all it is 43.")
    0.0
    """
    here, there = set(numbers(one)), set(numbers(other))
    if here and there and not here & there:
        return 0.0
    first = set(content_words(one)) | here or set(one.lower().split())
    second = set(content_words(other)) | there or set(other.lower().split())
    if not first or not second:
        return float(first == second)
    return 2 * len(first & second) / (len(first) + len(second))


CHECKS: tuple[Check, ...] = (
    empty,
    declined,
    missing,
    truncated,
    structured,
    tool_arguments,
    citations,
    Grounded(),
)
"""All that look at the answer as it is; `Agreement` costs a call, so it is yours to add."""
