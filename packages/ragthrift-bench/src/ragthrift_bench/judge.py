"""A language model that says which of two answers is better, asked in both orders."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragthrift import Message
from ragthrift_bench.cases import Case
from ragthrift_bench.generations import Answering

PROMPT = """\
Two answers to one question are compared with the reference answer. Which one is better: more \
correct, and no less complete? Style and length do not count.

Question: {question}
Reference: {reference}

Answer A: {a}

Answer B: {b}

Reply with one letter: A, B, or C if they are equally good."""

_LETTER = re.compile(r"\b[ABC]\b")
TIE = 0.5


@dataclass(frozen=True, slots=True)
class Judge:
    """Prefers answers by a model's word.

    Models favour a place, often the first (Wang et al., 2023, "Large language models are not fair
    evaluators"). Each pair is asked in both orders, and only a preference that survives counts.
    """

    llm: Answering

    def prefers(self, case: Case, answer: str, other: str) -> float:
        """1 when the answer is better than the other, 0 when it is worse, else 0.5."""
        if answer.strip() == other.strip():
            return TIE
        first, second = self._letter(case, answer, other), self._letter(case, other, answer)
        return {("A", "B"): 1.0, ("B", "A"): 0.0}.get((first, second), TIE)

    def _letter(self, case: Case, a: str, b: str) -> str:
        values = {"question": case.question, "reference": " or ".join(case.answers), "a": a, "b": b}
        prompt = re.sub(r"\{(\w+)\}", lambda place: values[place[1]], PROMPT)
        reply = self.llm.generate([Message("user", prompt)], max_tokens=8).completion.text
        found = _LETTER.search(reply)
        return found[0] if found else ""


def judged_ties(cases: Sequence[Case]) -> dict[str, float]:
    """What the baseline gets: it is as good as itself."""
    return {case.id: TIE for case in cases}
