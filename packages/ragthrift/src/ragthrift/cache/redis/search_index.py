"""Nearest entries by the server's query engine: the scope is a tag that is filtered by first."""

from typing import TYPE_CHECKING, Any

from ragthrift.cache.redis.connection import Connection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class SearchIndex:
    """One index over the entries for each number of dimensions; it follows their keys by itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._made: set[int] = set()

    def ready(self, dimensions: int) -> None:
        """Make the index unless it is there."""
        if dimensions in self._made:
            return
        entries = self._connection.key("e:")
        of_vectors = ("TYPE", "FLOAT32", "DIM", dimensions, "DISTANCE_METRIC", "COSINE")
        schema = ("scope", "TAG", f"near{dimensions}", "VECTOR", "HNSW", 6, *of_vectors)
        create = ("ON", "HASH", "PREFIX", 1, entries, "SCHEMA", *schema)
        try:
            self._ask("FT.CREATE", self._name(dimensions), *create)
        except self._connection.refused as error:
            if "exists" not in str(error).lower():
                raise
        self._made.add(dimensions)

    def search(self, scope: bytes, vector: "Floats", k: int) -> list[bytes]:
        """Ids of the k nearest in a scope, in order."""
        dimensions = len(vector)
        self.ready(dimensions)
        near = f"(@scope:{{{scope.hex()}}})=>[KNN {k} @near{dimensions} $vector AS far]"
        given = ("PARAMS", 2, "vector", vector.astype("<f4").tobytes(), "NOCONTENT")
        order = ("SORTBY", "far", "LIMIT", 0, k, "DIALECT", 2)
        try:
            found = self._ask("FT.SEARCH", self._name(dimensions), near, *given, *order)
        except self._connection.refused as error:
            # A server that was emptied has lost its indexes, too.
            if "no such index" not in str(error).lower() and "unknown" not in str(error).lower():
                raise
            self._made.discard(dimensions)
            self.ready(dimensions)
            return []
        return [key.removeprefix(self._connection.key("e:").encode()) for key in _keys(found)]

    def _name(self, dimensions: int) -> str:
        return self._connection.key(f"near{dimensions}")

    def _ask(self, *command: Any) -> Any:
        return self._connection.attempt(lambda c: c.execute_command(*command))


def _keys(found: Any) -> list[bytes]:
    """The keys in an answer of either protocol's shape."""
    if isinstance(found, dict):
        return [result[b"id"] for result in found[b"results"]]
    return list(found[1:])
