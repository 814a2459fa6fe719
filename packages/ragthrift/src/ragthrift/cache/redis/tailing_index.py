"""Nearest entries by vectors in this process's memory, which follow the scopes' change streams."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ragthrift.cache.cipher import Cipher
from ragthrift.cache.indexes import MAX_SCOPES, ScopeIndex
from ragthrift.cache.redis.connection import Connection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

    Row = tuple[int, bytes | None]

CHUNK = 1000


class TailedScope:
    """One scope's vectors, as of the last change that was read."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.rows = ScopeIndex()
        self._last = 0

    def follow(self, connection: Connection, scope: bytes, cipher: Cipher) -> int:
        """Apply what came and went; how many vectors could not be read.

        Who fell behind the trimmed stream, or meets a server that was restarted or emptied,
        starts over from what is there.
        """
        newest, over, *changes = connection.run("changes", scope.hex(), self._last)
        unreadable = 0
        if over:
            self.rows = ScopeIndex()
            for chunk in stored(connection, scope):
                unreadable += self.rows.add(chunk, cipher)
        else:
            signs, ids = changes[::2], list(map(int, changes[1::2]))
            gone = {number for sign, number in zip(signs, ids, strict=True) if sign == b"-"}
            # Taken out first: what came while a start was made is there already.
            if self.rows.vectors is not None:
                self.rows.vectors.remove(ids)
            for chunk in given(connection, [number for number in ids if number not in gone]):
                unreadable += self.rows.add(chunk, cipher)
        self._last = int(newest)
        return unreadable


class TailingIndex:
    """The scopes in use; `unreadable` is told of vectors that were skipped."""

    def __init__(
        self, connection: Connection, cipher: Cipher, unreadable: Callable[[int], None]
    ) -> None:
        self._connection, self._cipher, self._tell = connection, cipher, unreadable
        self._scopes: OrderedDict[bytes, TailedScope] = OrderedDict()
        self._lock = threading.Lock()

    def ready(self, dimensions: int) -> None:
        """Nothing has to be made first."""

    def search(self, scope: bytes, vector: "Floats", k: int) -> list[bytes]:
        """Ids of the k nearest in a scope, in order."""
        with self._lock:
            index = self._scopes.setdefault(scope, TailedScope())
            self._scopes.move_to_end(scope)
            if len(self._scopes) > MAX_SCOPES:
                self._scopes.popitem(last=False)
        with index.lock:
            if skipped := index.follow(self._connection, scope, self._cipher):
                self._tell(skipped)
            vectors = index.rows.vectors
            if vectors is None or vectors.dimensions != len(vector):
                return []
            return [b"%d" % number for number, _ in vectors.search(vector, k)]


def stored(connection: Connection, scope: bytes) -> "Iterator[list[Row]]":
    """Ids and sealed vectors of a scope, in order of their ids."""
    last: int | bytes = b"-inf"
    while rows := _pairs(connection.run("vectors", scope.hex(), last, CHUNK)):
        yield rows
        last = rows[-1][0]


def given(connection: Connection, ids: list[int]) -> "Iterator[list[Row]]":
    """Sealed vectors of entries."""
    for start in range(0, len(ids), CHUNK):
        yield _pairs(connection.run("vectors", "", "", 0, *ids[start : start + CHUNK]))


def _pairs(flat: list[bytes]) -> "list[Row]":
    return list(zip(map(int, flat[::2]), flat[1::2], strict=True))
