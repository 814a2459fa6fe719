"""Every place where conversations can be kept, opened as often as a test likes."""

import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from ragthrift import Message
from ragthrift.memory import LoggedTranscript, RedisTranscript, SqliteTranscript, Transcript
from tests.cache.servers import Server

SERVERS = {"redis": "sets", "valkey": "local"}
"""The kind of a server among the cache's; a memory asks nothing special of either."""
PLACES = ("sqlite", *SERVERS, "logged", "logged beside redis")


class ListLog:
    """A message store in this process."""

    def __init__(self) -> None:
        self.lists: dict[str, list[Message]] = {}

    def read(self, session: str) -> Sequence[Message]:
        return list(self.lists.get(session, ()))

    def add(self, session: str, messages: Sequence[Message]) -> None:
        self.lists.setdefault(session, []).extend(messages)

    def clear(self, session: str) -> None:
        self.lists.pop(session, None)


def opener(
    place: str, folder: Path, server_of: Callable[[str], Server], opened: ExitStack
) -> Callable[[], Transcript]:
    """Opens the same place with each call, as a program does that is started again."""
    prefix, messages = uuid.uuid4().hex, ListLog()

    def beside() -> Transcript:
        transcript: Transcript
        if place in ("sqlite", "logged"):
            transcript = SqliteTranscript(folder / "talks.db")
        else:
            server = server_of(SERVERS[place.rsplit(maxsplit=1)[-1]])
            transcript = RedisTranscript(server.url, prefix=prefix)
        opened.callback(transcript.close)
        return transcript

    def open_it() -> Transcript:
        if place.startswith("logged"):
            return LoggedTranscript(messages, beside())
        return beside()

    return open_it
