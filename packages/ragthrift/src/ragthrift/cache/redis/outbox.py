"""Values elsewhere whose entries were removed from the server."""

from collections.abc import Sequence

from ragthrift.cache.redis.connection import Connection


class Outbox:
    """Keys that the scripts note, whichever machine removed the entries."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._name = connection.key("dropped")

    def some(self, most: int) -> list[str]:
        """Up to so many keys."""
        found = self._connection.attempt(lambda c: c.srandmember(self._name, most))
        return [key.decode() for key in found]

    def done(self, keys: Sequence[str]) -> None:
        """These values are deleted."""
        self._connection.attempt(lambda c: c.srem(self._name, *keys))
