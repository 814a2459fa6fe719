"""Turns and their views in Redis or Valkey, for processes on many machines."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from hashlib import blake2b
from typing import TYPE_CHECKING
from uuid import uuid4

from ragthrift.memory.account import Account
from ragthrift.memory.redis_scripts import APPEND, RELEASE, SAVE_VIEW, SPEND
from ragthrift.memory.sqlite_transcript import LEASE_SECONDS
from ragthrift.memory.state import (
    ViewState,
    packed_message,
    packed_state,
    unpacked_message,
    unpacked_state,
)
from ragthrift.memory.transcript import Stored
from ragthrift.memory.turn import Turn
from ragthrift.redis_connection import RedisConnection, checked_prefix

if TYPE_CHECKING:
    from redis import Redis, RedisCluster

_FEW, _MORE = 4, 8
"""Most appends bring a turn or two; where none of the few last is kept, eight times as many go."""
_NAME_BYTES = 16
_PARTS = ("turns", "view", "account", "lease")


class RedisTranscript:
    """Needs the `redis` extra and Redis or Valkey from version 7; a cluster spreads the sessions.

    Turns are as safe as the server keeps them: it needs an append-only file and the policy
    `noeviction`. Nothing runs out by itself. A server that is away raises the client's
    `ConnectionError` or `TimeoutError`, at once in the second after the first. A client that was
    given stays open.
    """

    def __init__(
        self,
        client_or_url: "Redis | RedisCluster | str",
        *,
        prefix: str = "ragthrift",
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._prefix = checked_prefix(prefix)
        self._connection = RedisConnection(client_or_url)
        self._lease_milliseconds = max(1, round(lease_seconds * 1000))

    def load(self, session: str) -> Stored:
        """The talk that ends with the turn appended last, and its state."""
        turns, view = self._key(session, "turns"), self._key(session, "view")
        fields = self._connection.attempt(lambda c: c.hmget(view, "head", "version", "state"))
        head = (fields[0] or b"").decode()
        if not head:
            return Stored(state=_state(*fields[1:]))
        kept = self._connection.attempt(lambda c: c.hgetall(turns))
        line = []
        while packed := kept.get(head.encode()):
            turn, head = _unpacked(head, packed)
            line.append(turn)
        return Stored(tuple(reversed(line)), _state(*fields[1:]))

    def append(self, session: str, turns: Sequence[Turn], *, after: str = "") -> None:
        """Keep what is new; one step, of which nobody sees half."""
        if not turns:
            return
        befores = [after, *(turn.id for turn in turns[:-1])]
        keys = [self._key(session, "turns"), self._key(session, "view")]
        last, listed, kept = _FEW, 0, 0
        while not kept:
            given = _packed(turns[-last:], befores[-last:])
            begins = int(last >= len(turns))
            kept = self._connection.run_script(APPEND, keys, begins, listed, *given)
            if kept != 1:
                # Before a session begins, so that a process that dies leaves no turns without a
                # name; and after, since another may have forgotten it meanwhile.
                self._list(session)
                last, listed = last * _MORE, 1

    def state(self, session: str) -> ViewState:
        """The state saved last."""
        view = self._key(session, "view")
        return _state(*self._connection.attempt(lambda c: c.hmget(view, "version", "state")))

    def save_view(self, session: str, state: ViewState) -> bool:
        """Keep the state if it is the one that follows the one kept."""
        view = self._key(session, "view")
        packed = packed_state(state)
        return bool(self._connection.run_script(SAVE_VIEW, [view], state.version, packed))

    def account(self, session: str) -> Account:
        """The sums so far."""
        name = self._key(session, "account")
        sums = self._connection.attempt(lambda c: c.hgetall(name))
        return Account(**{name: int(sums.get(name.encode(), 0)) for name in asdict(Account())})

    def spend(self, session: str, change: Account) -> None:
        """Add to the sums."""
        given = [part for item in asdict(change).items() if item[1] for part in item]
        self._connection.run_script(SPEND, [self._key(session, "account")], *given)

    def sessions(self) -> list[str]:
        """Every session that has turns."""
        names = self._connection.attempt(lambda c: c.smembers(self._names))
        return sorted(name.decode("utf-8", "surrogatepass") for name in names)

    def forget(self, session: str) -> None:
        """Delete all of it; the server's files lose it when they are next rewritten."""
        self._connection.attempt(lambda c: c.srem(self._names, _encoded(session)))
        keys = [self._key(session, part) for part in _PARTS]
        self._connection.attempt(lambda c: c.delete(*keys))

    @contextmanager
    def lock(self, session: str) -> Iterator[bool]:
        """A lease: it ends by itself if its holder died."""
        name, token = self._key(session, "lease"), uuid4().hex.encode()
        taken = {"nx": True, "px": self._lease_milliseconds, "get": True}
        holder = self._connection.attempt(lambda c: c.set(name, token, **taken))
        held = holder in (None, token)  # its own, where it was asked again since no answer came
        try:
            yield held
        finally:
            if held:
                with suppress(*self._connection.away):  # then it runs out
                    self._connection.run_script(RELEASE, [name], token)

    def close(self) -> None:
        """Let go of a client that was made here."""
        self._connection.close()

    @property
    def _names(self) -> str:
        return f"{self._prefix}:talks"

    def _key(self, session: str, part: str) -> str:
        """In braces stands what a cluster spreads by: all keys of a session lie on one shard."""
        name = blake2b(_encoded(session), digest_size=_NAME_BYTES).hexdigest()
        return f"{self._prefix}:talk:{{{name}}}:{part}"

    def _list(self, session: str) -> None:
        self._connection.attempt(lambda c: c.sadd(self._names, _encoded(session)))


def _encoded(session: str) -> bytes:
    return session.encode("utf-8", "surrogatepass")


def _packed(turns: Sequence[Turn], befores: Sequence[str]) -> Iterator[str]:
    for turn, before in zip(turns, befores, strict=True):
        yield turn.id
        yield json.dumps([before, turn.tokens, turn.at, packed_message(turn.message)])


def _unpacked(name: str, packed: bytes) -> tuple[Turn, str]:
    """A turn, and the id of the one before it."""
    before, tokens, at, message = json.loads(packed)
    return Turn(name, unpacked_message(message), tokens, at), before


def _state(version: bytes | None, packed: bytes | None) -> ViewState:
    return unpacked_state(packed.decode(), int(version)) if version and packed else ViewState()
