"""Whether the evidence for an answer is still in the passages of a prompt.

Each is a share in [0, 1], and `None` where a case does not say what its evidence is: not known is
neither kept nor lost.
"""

from collections.abc import Callable, Mapping, Sequence

from ragthrift import Passage
from ragthrift_bench.answers import contains, normalise
from ragthrift_bench.cases import Case

_UNQUOTABLE = {"yes", "no"}


def answer_kept(case: Case, passages: Sequence[Passage]) -> float | None:
    """1 when a passage holds a gold answer as whole words, else 0; `None` for yes and no.

    >>> case = Case("Who won?", (), ("Ann",), frozenset())
    >>> answer_kept(case, [Passage("Bob lost."), Passage("Ann won.")])
    1.0
    """
    if _UNQUOTABLE.issuperset(map(normalise, case.answers)):
        return None
    return float(any(contains(passage.text, case.answers) for passage in passages))


def gold_kept(case: Case, passages: Sequence[Passage]) -> float | None:
    """1 when all gold passages are there by id, else 0; `None` where the case names none."""
    return float(case.keeps_gold(passages)) if case.gold_ids else None


def supports_kept(case: Case, passages: Sequence[Passage]) -> float | None:
    """The share of the supporting sentences that a passage holds: verbatim, but for white space.

    >>> case = Case("Who?", (), ("Ann",), frozenset(), supports=("Ann won.", "Bob lost."))
    >>> supports_kept(case, [Passage("In 1901  Ann won. Nobody else did.")])
    0.5
    """
    if not case.supports:
        return None
    texts = [_one_line(passage.text) for passage in passages]
    kept = sum(any(_one_line(support) in text for text in texts) for support in case.supports)
    return kept / len(case.supports)


def _one_line(text: str) -> str:
    return " ".join(text.split())


EVIDENCE: Mapping[str, Callable[[Case, Sequence[Passage]], float | None]] = {
    "answer_kept": answer_kept,
    "gold_kept": gold_kept,
    "supports_kept": supports_kept,
}
"""Every measure of evidence by name."""


def evidence_in(case: Case, passages: Sequence[Passage]) -> dict[str, float]:
    """Every measure that is known for the case."""
    measured = {name: measure(case, passages) for name, measure in EVIDENCE.items()}
    return {name: share for name, share in measured.items() if share is not None}


def evidence_in_text(case: Case, prompt: str) -> dict[str, float]:
    """The same where only the text of a prompt is known: a passage is kept when it stands there.

    The question itself is no evidence and is left out of the text.

    >>> gold = Passage("Ann won.", id="a")
    >>> case = Case("Did Bob win?", (gold,), ("Ann",), frozenset("a"))
    >>> evidence_in_text(case, "Context: Ann won. Question: Did Bob win?")
    {'answer_kept': 1.0, 'gold_kept': 1.0}
    """
    text = _one_line(prompt).replace(_one_line(case.question), " ")
    found = evidence_in(case, [Passage(text)])
    found.pop("gold_kept", None)
    if case.gold_ids and case.gold_ids <= {passage.id for passage in case.passages}:
        kept = [passage for passage in case.passages if _one_line(passage.text) in text]
        found["gold_kept"] = float(case.keeps_gold(kept))
    return found
