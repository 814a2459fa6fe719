"""Ending a call to a server from another thread than the one that waits for it."""

import socket
import threading
from contextlib import suppress

from ragthrift.errors import ModelError


class HangUp:
    """Shuts the socket of a running call; the thread that reads from it then finds its end.

    >>> hang_up = HangUp()
    >>> hang_up(), hang_up.rest(60)
    Traceback (most recent call last):
    ragthrift.errors.ModelError: the call was stopped
    """

    def __init__(self) -> None:
        self._called = threading.Event()
        self._socket: socket.socket | None = None

    def __call__(self) -> None:
        """End the call, now or as soon as it begins."""
        self._called.set()
        self._shut()

    def watch(self, line: socket.socket) -> None:
        """The socket of the call, which may have been ended already."""
        self._socket = line
        if self._called.is_set():
            self._shut()

    def rest(self, seconds: float) -> None:
        """Wait between two tries; ModelError if the call is ended before or meanwhile."""
        if self._called.wait(seconds):
            raise ModelError("the call was stopped")

    def _shut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # closed already
                self._socket.shutdown(socket.SHUT_RDWR)
