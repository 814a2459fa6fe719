"""A cache's way to the server: its scripts, on keys that begin with its prefix."""

import threading
from collections.abc import Callable
from typing import Any

from ragthrift.cache.redis.scripts import script
from ragthrift.redis_connection import RedisConnection, checked_prefix


class Connection(RedisConnection):
    """Runs scripts on keys that begin with `{prefix}:`, which a cluster keeps on one shard.

    `greet` runs once, before the first script, and says where vectors are searched.
    """

    def __init__(
        self, client_or_url: object, prefix: str, greet: "Callable[[Connection], str]"
    ) -> None:
        self.prefix = f"{{{checked_prefix(prefix)}}}:"
        super().__init__(client_or_url)
        self._greet = greet
        self._kind = ""
        self._lock = threading.RLock()

    @property
    def kind(self) -> str:
        """Where vectors are searched; greets the server if nobody did yet."""
        if not self._kind:
            with self._lock:
                self._kind = self._kind or self._greet(self)
        return self._kind

    def key(self, name: str) -> str:
        """A key of this cache."""
        return self.prefix + name

    def run(self, name: str, *arguments: Any, insist: bool = False) -> Any:
        """What a script returns; `insist` tries the server even in a pause."""
        if insist:
            self._paused_until = 0.0
        return self.run_as(self.kind, name, *arguments)

    def run_as(self, kind: str, name: str, *arguments: Any) -> Any:
        """The same, by whoever greets."""
        return self.run_script(script(name), [self.key("registry")], self.prefix, kind, *arguments)
