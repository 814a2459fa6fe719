"""A question with what was retrieved for it and what would be right."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256

from ragthrift import InputError, Message, Passage


@dataclass(frozen=True, slots=True)
class Case:
    """One question of a benchmark.

    >>> case = Case("Where is lunch?", (), ("canteen",), frozenset())
    >>> case.id == Case("Where is lunch?", (), ("the canteen",), frozenset()).id
    True
    """

    question: str
    passages: tuple[Passage, ...]
    """What the retriever found, best first."""
    answers: tuple[str, ...]
    """Any of them is right."""
    gold_ids: frozenset[str]
    """The passages that the answer stands in; all of them are needed. Empty: not known."""
    history: tuple[Message, ...] = ()
    id: str = ""
    """Pairs the same question under two configurations; by default made from the question."""
    cluster: str | None = None
    """The source document, where questions share one: they are not independent."""
    supports: tuple[str, ...] = ()
    """The sentences that the answer follows from, verbatim. Empty: not known."""

    def __post_init__(self) -> None:
        if not self.answers:
            raise InputError(f"case {self.question!r} has no answer to compare with")
        if not self.id:
            object.__setattr__(self, "id", _question_id(self.question))

    def keeps_gold(self, passages: Sequence[Passage]) -> bool:
        """Whether every gold passage is still among these."""
        return self.gold_ids <= {passage.id for passage in passages}


def cases_hash(cases: Iterable[Case]) -> str:
    """SHA-256 of what is asked and of what would be right, in order, as 16 hexadecimal digits.

    The same on every machine: scores and metadata of passages do not count, since a score may
    differ in its last bit and neither is sent to a model.

    >>> cases_hash([Case("Who?", (Passage("Ann."),), ("Ann",), frozenset())])
    'c3f0ed2059b4e256'
    """
    digest = sha256()
    for case in cases:
        digest.update(json.dumps(_content(case), sort_keys=True).encode() + b"\n")
    return digest.hexdigest()[:16]


def _content(case: Case) -> dict[str, object]:
    return {
        "id": case.id,
        "question": case.question,
        "passages": [[passage.id, passage.text] for passage in case.passages],
        "answers": case.answers,
        "gold_ids": sorted(case.gold_ids),
        "history": [_turn(message) for message in case.history],
        "cluster": case.cluster,
        "supports": case.supports,
    }


def _turn(message: Message) -> list[object]:
    calls = [[call.id, call.name, call.arguments] for call in message.tool_calls]
    return [message.role, message.content, calls, message.tool_call_id]


def _question_id(question: str) -> str:
    return blake2b(question.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
