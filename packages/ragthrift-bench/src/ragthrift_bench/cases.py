"""A question with what was retrieved for it and what would be right."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragthrift import InputError, Message, Passage


@dataclass(frozen=True, slots=True)
class Case:
    """One question of a benchmark."""

    question: str
    passages: tuple[Passage, ...]
    """What the retriever found, best first."""
    answers: tuple[str, ...]
    """Any of them is right."""
    gold_ids: frozenset[str]
    """The passages that the answer stands in; all of them are needed."""
    history: tuple[Message, ...] = ()

    def __post_init__(self) -> None:
        if not self.answers:
            raise InputError(f"case {self.question!r} has no answer to compare with")

    def keeps_gold(self, passages: Sequence[Passage]) -> bool:
        """Whether every gold passage is still among these."""
        return self.gold_ids <= {passage.id for passage in passages}
