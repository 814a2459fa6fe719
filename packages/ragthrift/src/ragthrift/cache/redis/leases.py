"""Who makes an answer, among machines: a key that expires."""

import secrets

from ragthrift.cache.entry import Place
from ragthrift.cache.redis.connection import Connection


class Leases:
    """One lease for each question; a process that dies leaves one that runs out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lease(self, place: Place, seconds: float) -> bytes | None:
        """A token, or `None` while another has it; asked again with its token it is the same."""
        token = secrets.token_bytes(8)
        milliseconds = max(1, round(seconds * 1000))
        taken = self._connection.run("lease", _name(place), token, milliseconds)
        return token if taken else None

    def leased(self, place: Place) -> bool:
        """Whether somebody has it."""
        return bool(self._connection.run("leased", _name(place)))

    def release(self, place: Place, token: bytes) -> None:
        """Give it back; a lease that ran out and went to another stays theirs."""
        self._connection.run("release", _name(place), token)


def _name(place: Place) -> str:
    return f"{place.scope.hex()}:{place.question.hex()}"
