"""Looks into the cache whose answers are still being made, in another call."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock

from ragthrift.cache import Lookup

MOST = 1024
"""Those that never get an answer are dropped, oldest first."""


class Pending:
    """Lookups by question and asker.

    An answer must be kept with the lookup that preceded it: it knows which documents had changed
    by then, and what the policy said.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._lookups: OrderedDict[Hashable, Lookup] = OrderedDict()

    def put(self, key: Hashable, lookup: Lookup) -> None:
        """Remember; of two under one key the older one, which knows of fewer changes."""
        with self._lock:
            self._lookups.setdefault(key, lookup)
            if len(self._lookups) > MOST:
                self._lookups.popitem(last=False)

    def pop(self, key: Hashable) -> Lookup | None:
        """Take out; `None` when it is not there."""
        with self._lock:
            return self._lookups.pop(key, None)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._lookups.clear()
