"""What one process holds back of small writes, and the vectors that it read last."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ragthrift.cache.cipher import Cipher, UnreadableError
from ragthrift.cache.rows import unseal_vector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

HELD_SERVINGS = 256
IN_MEMORY = 4096


class Waiting(NamedTuple):
    """What is to be written: counts by name, servings by entry, vectors by their text's digest."""

    counts: Counter[str]
    servings: Counter[int]
    vectors: "dict[bytes, Floats]"


class Held:
    """Counts, servings and up to `max_new` new vectors, until they are taken to be written."""

    def __init__(self, cipher: Cipher, *, max_new: int) -> None:
        self._cipher, self._max_new = cipher, max_new
        self._lock = threading.Lock()
        self._waiting = Waiting(Counter(), Counter(), {})
        self._vectors: OrderedDict[bytes, Floats] = OrderedDict()

    def count(self, name: str, number: int = 1) -> None:
        """Add to a counter."""
        with self._lock:
            self._waiting.counts[name] += number

    def serve(self, entry_id: int) -> bool:
        """Count a serving; whether there are so many that they should be written."""
        with self._lock:
            self._waiting.servings[entry_id] += 1
            return self._waiting.servings.total() >= HELD_SERVINGS

    def embedding(self, digest: bytes, load: "Callable[[], bytes | None]") -> "Floats | None":
        """A text's vector: as it is remembered, or else unsealed from what `load` finds."""
        with self._lock:
            if digest in self._vectors:
                self._vectors.move_to_end(digest)
                return self._vectors[digest]
        sealed = load()
        if sealed is None:
            return None
        try:
            vector = unseal_vector(self._cipher, sealed)
        except (UnreadableError, TypeError):
            self.count("unreadable")
            return None
        with self._lock:
            self._remember(digest, vector)
        return vector

    def keep_embedding(self, digest: bytes, vector: "Floats") -> None:
        """Remember a text's vector."""
        with self._lock:
            self._remember(digest, vector)
            if len(self._waiting.vectors) < self._max_new:
                self._waiting.vectors[digest] = vector

    def empty(self) -> bool:
        """Whether nothing waits to be written."""
        with self._lock:
            return not any(self._waiting)

    def take(self) -> Waiting:
        """All that waits; the caller writes it, or puts it back."""
        with self._lock:
            taken, self._waiting = self._waiting, Waiting(Counter(), Counter(), {})
        return taken

    def put_back(self, taken: Waiting) -> None:
        """It could not be written: hold it on."""
        with self._lock:
            self._waiting.counts.update(taken.counts)
            self._waiting.servings.update(taken.servings)
            self._waiting.vectors.update(taken.vectors)

    def forget(self) -> None:
        """Drop all but the counts."""
        with self._lock:
            self._waiting.servings.clear()
            self._waiting.vectors.clear()
            self._vectors.clear()

    def _remember(self, digest: bytes, vector: "Floats") -> None:
        self._vectors[digest] = vector
        if len(self._vectors) > IN_MEMORY:
            self._vectors.popitem(last=False)
