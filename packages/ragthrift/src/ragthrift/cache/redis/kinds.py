"""Where vectors can be searched: what the server can do is tried, not read from its version."""

import secrets
from typing import TYPE_CHECKING, Literal

from ragthrift.errors import InputError

if TYPE_CHECKING:
    from ragthrift.cache.redis.connection import Connection

Kind = Literal["sets", "search", "local"]
Wanted = Literal["auto", "sets", "search", "local"]
ORDER: tuple[Kind, ...] = ("sets", "search", "local")

_MISSING = {
    "sets": "it has no vector sets (VADD, Redis 8)",
    "search": "it has no query engine that searches vectors (FT.CREATE … VECTOR), or is a cluster",
}


def choose(connection: "Connection", wanted: str, recorded: str, *, encrypted: bool) -> str:
    """The kind to use: as wanted, as the cache was begun, or the best that the server has."""
    if wanted not in ("auto", *ORDER):
        raise InputError(f"vectors={wanted!r}; use 'auto', 'sets', 'search' or 'local'")
    if encrypted and wanted in _MISSING:
        raise InputError(
            f"vectors={wanted!r} would show the server the vectors that key=... encrypts; "
            "use vectors='local'"
        )
    if recorded and wanted not in ("auto", recorded):
        raise InputError(
            f"the answers under this prefix are searched by vectors={recorded!r}, not {wanted!r}; "
            "use that, or another prefix"
        )
    named = recorded or wanted
    if named != "auto":
        if not can(connection, named):
            raise InputError(
                f"vectors={named!r} cannot work with this server: {_MISSING[named]}; "
                "use vectors='local' with another prefix"
            )
        return named
    if encrypted:
        return "local"
    return next(kind for kind in ORDER if can(connection, kind))


def can(connection: "Connection", kind: str) -> bool:
    """Whether the server can search so."""
    if kind == "local":
        return True
    if kind == "search" and connection.clustered:
        return False  # an index is made on one shard, not where its prefix lies
    try:
        if kind == "sets":
            connection.attempt(lambda c: c.execute_command("VCARD", connection.key("v:")))
        else:
            _try_search(connection)
    except connection.refused:
        return False
    return True


def _try_search(connection: "Connection") -> None:
    name = connection.key(f"probe:{secrets.token_hex(8)}")
    schema = ("near", "VECTOR", "FLAT", 6, "TYPE", "FLOAT32", "DIM", 2, "DISTANCE_METRIC", "COSINE")
    create = ("FT.CREATE", name, "ON", "HASH", "PREFIX", 1, name, "SCHEMA", *schema)
    connection.attempt(lambda c: c.execute_command(*create))
    connection.attempt(lambda c: c.execute_command("FT.DROPINDEX", name))
