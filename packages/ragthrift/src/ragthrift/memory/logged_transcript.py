"""Turns in a message store that an application has already, and what is derived from them."""

import json
import logging
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from ragthrift.memory.account import Account
from ragthrift.memory.message_log import MessageLog
from ragthrift.memory.sqlite_transcript import SqliteTranscript
from ragthrift.memory.state import ViewState
from ragthrift.memory.talk import shared
from ragthrift.memory.transcript import Stored, Transcript
from ragthrift.memory.turn import Turn, rules_of, turns_of
from ragthrift.protocols import TokenCounter
from ragthrift.tokens import EstimatedTokens
from ragthrift.types import Message, ToolCall

log = logging.getLogger(__name__)

_LOCKS = 64
_REMEMBERED = 4096
"""Sessions of which it is known what their log held."""


class LoggedTranscript:
    """Messages lie in somebody's store; `derived` holds what can be made again from them.

    Only what follows the messages in the store is added to it. Where others add some, the talk
    goes on from there; a session that others cleared is forgotten. A store holds one line of a
    talk: if an answer is made anew, the new branch is in `derived` alone, and a warning says so.

    `derived` is a temporary file by default; a given one stays open, and has branches, summaries
    and sums after a restart. `counter` counts messages that were in the store before. Safe for
    threads; let one process at a time speak in a session.
    """

    def __init__(
        self,
        messages: MessageLog,
        derived: Transcript | None = None,
        *,
        counter: TokenCounter | None = None,
    ) -> None:
        self._messages = messages
        self._own = derived is None
        self._derived: Transcript = SqliteTranscript() if derived is None else derived
        self._counter = counter or EstimatedTokens()
        self._held: dict[str, int] = {}
        self._locks = [threading.RLock() for _ in range(_LOCKS)]

    def load(self, session: str) -> Stored:
        """The talk appended last, or where others went on with it."""
        with self._lock_of(session):
            self._follow(session)
            return self._derived.load(session)

    def append(self, session: str, turns: Sequence[Turn], *, after: str = "") -> None:
        """Add what the store does not hold yet; it comes before `derived`, since it lasts."""
        if not turns:
            return
        with self._lock_of(session):
            said = self._follow(session)
            added = self._unsaid(session, said, turns, after)
            if added:
                self._messages.add(session, added)
            self._derived.append(session, turns, after=after)
            self._hold(session, [*said, *added])

    def state(self, session: str) -> ViewState:
        """The state saved last."""
        return self._derived.state(session)

    def save_view(self, session: str, state: ViewState) -> bool:
        """Keep the state if it is the one that follows the one kept."""
        return self._derived.save_view(session, state)

    def account(self, session: str) -> Account:
        """The sums so far."""
        return self._derived.account(session)

    def spend(self, session: str, change: Account) -> None:
        """Add to the sums."""
        self._derived.spend(session, change)

    def sessions(self) -> list[str]:
        """Those that `derived` knows; a message store does not tell its own."""
        return self._derived.sessions()

    def forget(self, session: str) -> None:
        """Delete it in both places."""
        with self._lock_of(session):
            self._messages.clear(session)
            self._derived.forget(session)
            self._held.pop(session, None)

    def lock(self, session: str) -> AbstractContextManager[bool]:
        """The lease of `derived`."""
        return self._derived.lock(session)

    def close(self) -> None:
        """Let the temporary file go."""
        if self._own:
            self._derived.close()

    def _follow(self, session: str) -> list[Message]:
        """What the store holds; what others did there since is in `derived` from now on."""
        said = list(self._messages.read(session))
        held = self._held.get(session)
        if held == _mark(said):
            return said
        known = self._derived.load(session).turns
        if said:
            line = _line(said, [turn.message for turn in known])
            same = _shared([turn.message for turn in known], line)
            # Two branches after a restart: the one that the store does not hold was spoken here.
            if held is not None or same in (len(known), len(line)):
                after = known[same - 1].id if same else ""
                more = turns_of(line[same:], self._counter, at=time.time(), after=after)
                self._derived.append(session, [*known[:same], *more])
        elif known:
            self._derived.forget(session)
        self._hold(session, said)
        return said

    def _unsaid(
        self, session: str, said: list[Message], turns: Sequence[Turn], after: str
    ) -> list[Message]:
        """What of a talk is to be added to the store: nothing, if the talk left its line."""
        known = self._derived.load(session).turns
        ids = [turn.id for turn in known]
        begin = ids.index(after) + 1 if after in ids else 0
        talk = [turn.message for turn in (*known[:begin], *turns)]
        line = _line(said, talk)
        same = _shared(talk, line)
        if same == len(line):
            return talk[same:]
        if same < len(talk) and _shared([turn.message for turn in known], line) == len(known):
            log.warning(
                "the talk of %r left what its message store holds after %d messages; from there on "
                "it is kept in `derived` alone",
                session,
                same,
            )
        return []

    def _hold(self, session: str, said: Sequence[Message]) -> None:
        if len(self._held) >= _REMEMBERED:
            self._held.clear()
        self._held[session] = _mark(said)

    def _lock_of(self, session: str) -> threading.RLock:
        return self._locks[hash(session) % _LOCKS]


def _line(said: list[Message], talk: Sequence[Message]) -> list[Message]:
    """What the store holds, without the rules that the talk does not begin with either."""
    ruled = not talk or talk[0].role == "system"
    return said if ruled else said[len(rules_of(said)) :]


def _shared(first: Sequence[Message], second: Sequence[Message]) -> int:
    return shared([*map(_plain, first)], [*map(_plain, second)])


def _mark(said: Sequence[Message]) -> int:
    return hash(tuple(map(_plain, said)))


def _plain(message: Message) -> Message:
    """Stores write the JSON of a call's arguments anew, with other blanks or in another order."""
    if not message.tool_calls:
        return message
    calls = tuple(ToolCall(c.id, c.name, _arguments(c.arguments)) for c in message.tool_calls)
    return replace(message, tool_calls=calls)


def _arguments(text: str) -> str:
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return text
