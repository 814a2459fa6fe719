"""A LangChain store as the place where a cache's answers lie."""

from collections.abc import Mapping, Sequence

from langchain_core.stores import BaseStore


class ByteStoreValues:
    """Answers in any `BaseStore[str, bytes]`, for `values=` of `SqliteStore` and `RedisStore`.

    Answers and what comes with them go there under keys of 32 letters and digits, encrypted if the
    cache has a key; questions, vectors, evidence and labels stay with the cache. What the store has
    lost is a miss. What a cache removes is deleted there, too.

    >>> from langchain_core.stores import InMemoryByteStore
    >>> values = ByteStoreValues(InMemoryByteStore())
    >>> values.put({"a": b"At nine."})
    >>> values.get(["a", "b"])
    [b'At nine.', None]
    """

    def __init__(self, store: BaseStore[str, bytes]) -> None:
        self._store = store

    def get(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values in the order of their keys; `None` for what is not there."""
        return self._store.mget(keys)

    def put(self, values: Mapping[str, bytes]) -> None:
        """Keep values."""
        self._store.mset(list(values.items()))

    def delete(self, keys: Sequence[str]) -> None:
        """Forget values; some may be gone already."""
        self._store.mdelete(keys)
