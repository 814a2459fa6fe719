"""Nearest entries by the server's vector sets (Redis 8): one set for each scope."""

from typing import TYPE_CHECKING

from ragthrift.cache.redis.connection import Connection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class VectorSets:
    """Filled and emptied by the scripts that write and remove entries."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ready(self, dimensions: int) -> None:
        """A set begins with its first element."""

    def search(self, scope: bytes, vector: "Floats", k: int) -> list[bytes]:
        """Ids of the k nearest in a scope, about in order."""
        name = self._connection.key(f"v:{scope.hex()}:{len(vector)}")
        wanted = ("VSIM", name, "FP32", vector.astype("<f4").tobytes(), "COUNT", k)
        found: list[bytes] = self._connection.attempt(lambda c: c.execute_command(*wanted))
        return found
