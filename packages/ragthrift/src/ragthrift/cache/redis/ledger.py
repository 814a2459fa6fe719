"""What a cache under a prefix has counted and learnt, without its key."""

from typing import NamedTuple

from ragthrift.cache.cipher import Plain
from ragthrift.cache.entry import Learnt
from ragthrift.cache.redis.connection import Connection
from ragthrift.cache.redis.notes import Notes
from ragthrift.errors import InputError


class Ledger(NamedTuple):
    """What a report is made of."""

    size: tuple[int, int]
    """Entries, and their bytes."""
    counts: dict[str, int]
    labels: list[Learnt]


def read_ledger(url: str, prefix: str) -> Ledger:
    """The counts of every machine that used a prefix; nothing is written."""
    try:
        connection = Connection(url, prefix, lambda _: "")
    except ValueError as error:
        raise InputError(f"{url}: {error}") from error
    try:
        if not connection.attempt(lambda c: c.exists(connection.key("lock"))):
            raise InputError(f"there is no cache under the prefix {prefix!r} at this server")
        notes = Notes(connection, Plain(), 0)
        return Ledger(size(connection), notes.counts(), notes.labels())
    except (*connection.away, *connection.refused) as error:
        raise InputError(f"the Redis server cannot be read: {error}") from error
    finally:
        connection.close()


def size(connection: Connection) -> tuple[int, int]:
    """Entries, and their bytes."""
    key = connection.key
    entries = connection.attempt(lambda c: c.zcard(key("all")))
    total = connection.attempt(lambda c: c.hget(key("facts"), "bytes"))
    return int(entries), int(total or 0)
