"""Somebody's own store of messages."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from ragthrift.types import Message


@runtime_checkable
class MessageLog(Protocol):
    """One list of messages for each session, to which messages are only added."""

    def read(self, session: str) -> Sequence[Message]:
        """All messages of a session; none for one that is new."""
        ...

    def add(self, session: str, messages: Sequence[Message]) -> None:
        """Put messages behind those that are there."""
        ...

    def clear(self, session: str) -> None:
        """Delete a session, because its user asked for it."""
        ...
