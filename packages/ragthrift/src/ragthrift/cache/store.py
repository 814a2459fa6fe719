"""What a cache asks of the place where its answers lie."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from ragthrift.cache.cipher import Cipher
from ragthrift.cache.entry import Entry, Learnt, NewEntry, Place, Terms, Written
from ragthrift.cache.evidence import Evidence
from ragthrift.cache.growth import Growth

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class Store(Protocol):
    """Keeps answers, their evidence and the registry of documents; safe from many threads.

    An entry is read only if it meets the terms and none of its documents moved.
    """

    cipher: Cipher

    def fence(self) -> int:
        """The registry's epoch: read it before the model is called, give it to `put`."""
        ...

    def exact(self, place: Place, terms: Terms) -> Entry | None:
        """The answer to this very question."""
        ...

    def nearest(
        self, scope: bytes, vector: "Floats", k: int, terms: Terms
    ) -> list[tuple[Entry, float]]:
        """Answers to the questions nearest to a vector and their cosines, best first."""
        ...

    def servable(self, entry_id: int, terms: Terms) -> bool:
        """Whether an entry read before may still be served."""
        ...

    def evidence(self, entry_id: int) -> tuple[Evidence, ...]:
        """What an entry was built from."""
        ...

    def touch(self, entry_id: int, *, end: float | None = None) -> None:
        """Count a serving; `end` moves the end of a sliding lifetime."""
        ...

    def put(self, entry: NewEntry, *, fence: int | None) -> Written:
        """Keep an answer in place of an older one, unless what it was built from moved."""
        ...

    def invalidate(self, document_id: str) -> int:
        """Forget the answers built from a document; how many there were."""
        ...

    def move(self, document_id: str, version: str) -> int:
        """Declare a document's version; forget answers built from others, how many there were."""
        ...

    def grow(self, corpus: str, growth: Growth) -> int:
        """Mark a corpus's answers that new chunks may concern for a second look; how many."""
        ...

    def clear(self) -> None:
        """Forget every answer, and drop those that are being made."""
        ...

    def lease(self, place: Place, seconds: float) -> bytes | None:
        """A token for whoever makes the answer to a question; `None` while another has it."""
        ...

    def leased(self, place: Place) -> bool:
        """Whether somebody is making the answer."""
        ...

    def release(self, place: Place, token: bytes) -> None:
        """Give the token back."""
        ...

    def embedding(self, digest: bytes) -> "Floats | None":
        """The vector of a text embedded before."""
        ...

    def keep_embedding(self, digest: bytes, vector: "Floats") -> None:
        """Remember a text's vector."""
        ...

    def learnt(self, label: Learnt) -> None:
        """Keep what a fresh answer said about a decision."""
        ...

    def count(self, name: str, number: int = 1) -> None:
        """Add to a counter."""
        ...

    def counts(self) -> dict[str, int]:
        """The counters, of all processes that share the store."""
        ...

    def labels(self) -> list[Learnt]:
        """What was learnt, oldest first."""
        ...

    def size(self) -> tuple[int, int]:
        """Entries, and their bytes."""
        ...

    def save_state(self, state: Mapping[str, object]) -> None:
        """Keep a policy's state."""
        ...

    def saved_state(self) -> dict[str, object] | None:
        """The policy's state that was kept last."""
        ...

    def flush(self) -> None:
        """Write what was held back: counts, servings, embeddings."""
        ...

    def close(self) -> None:
        """Flush and let go."""
        ...
