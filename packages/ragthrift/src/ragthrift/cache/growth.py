"""New chunks, and the answers that they may have made old."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ragthrift.cache.entry import Entry
from ragthrift.lexical import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

FAR = 0.2
"""Below this cosine of question and chunk the chunk is about something else."""
SHARE = 1 / 3
"""Of the words of the answer or of the chunk, whichever has fewer. Of 64 amendments to a handbook
11 had a cosine below 0.5 to their question; by the answers' words none is missed, and 0.9 % of the
questions on something else are looked at again (0.4 % by the cosine alone)."""
_LETTERS = 5
"""Of a word, so that "approve" meets "approval"."""


@dataclass(frozen=True)
class Growth:
    """Chunks that were added to a corpus."""

    texts: Sequence[str]
    vectors: "Floats"
    """Shape (n, d), of unit length."""
    near: float
    """Cosine of question and chunk from which an answer is looked at again in any case."""

    def concerns(self, answer: str) -> bool:
        """Whether any chunk speaks of what an answer says.

        >>> growth = Growth(["From May on the canteen opens at ten."], None, 0.5)
        >>> growth.concerns("The canteen opens at nine."), growth.concerns("Ask the gatehouse.")
        (True, False)
        """
        said = _content(answer)
        return any(_alike(said, spoken) for spoken in self._spoken)

    @cached_property
    def _spoken(self) -> list[frozenset[str]]:
        """The words of each chunk, which all answers are compared with."""
        return [_content(text) for text in self.texts]

    def concerned(
        self,
        found: Sequence[tuple[int, float]],
        read: Callable[[list[int]], Mapping[int, Entry | None]],
    ) -> list[int]:
        """Which of the entries with a cosine from `FAR` on to look at again.

        Those between `FAR` and `near` are read; one that cannot be is looked at again.
        """
        unsure = [number for number, cosine in found if cosine < self.near]
        entries = read(unsure) if unsure else {}
        apart = {
            number
            for number in unsure
            if (entry := entries.get(number)) is not None and not self.concerns(entry.answer)
        }
        return [number for number, _ in found if number not in apart]


def _content(text: str) -> frozenset[str]:
    return frozenset(word[:_LETTERS] for word in words(text) if len(word) > 3 or word.isdigit())


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= SHARE * max(1, min(len(one), len(other)))
