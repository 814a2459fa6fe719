"""Where turns are kept for good, and what was derived from them."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ragthrift.memory.account import Account
from ragthrift.memory.state import ViewState
from ragthrift.memory.turn import Turn


@dataclass(frozen=True, slots=True)
class Stored:
    """A session as a transcript holds it."""

    turns: tuple[Turn, ...] = ()
    """The talk that ends with the turn that was appended last; other branches are kept, too."""
    state: ViewState = ViewState()  # noqa: RUF009  (frozen, and the same for all)


@runtime_checkable
class Transcript(Protocol):
    """Only ever adds turns. Safe for threads; a store on disk, for processes, too."""

    def load(self, session: str) -> Stored:
        """All of a session; nothing for one that is new."""
        ...

    def append(self, session: str, turns: Sequence[Turn], *, after: str = "") -> None:
        """Keep the turns that are not kept yet, and remember where the talk now ends.

        `turns` is the talk from its beginning, or what follows the turn `after`.
        """
        ...

    def state(self, session: str) -> ViewState:
        """What was derived, without loading the turns."""
        ...

    def save_view(self, session: str, state: ViewState) -> bool:
        """Keep a derived state, all of it or nothing; False if another one came first."""
        ...

    def account(self, session: str) -> Account:
        """What a session used and saved so far."""
        ...

    def spend(self, session: str, change: Account) -> None:
        """Add to what a session used and saved."""
        ...

    def sessions(self) -> list[str]:
        """The names of all sessions."""
        ...

    def forget(self, session: str) -> None:
        """Delete a session whole, because its user asked for it; nothing else deletes."""
        ...

    def lock(self, session: str) -> AbstractContextManager[bool]:
        """Whether this caller alone may derive a new state now; it does not wait.

        A process that dies while it holds the lock loses it after a while.
        """
        ...

    def close(self) -> None:
        """Let the store go."""
        ...
