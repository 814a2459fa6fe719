"""The way to the server: scripts by digest, and a pause after it could not be reached."""

import threading
import time
from collections.abc import Callable
from typing import Any

from ragthrift.cache.redis.scripts import script
from ragthrift.errors import InputError, missing_extra

PAUSE_SECONDS = 1.0
"""How long nothing is tried after the server was away: questions must not wait for it."""
CONNECT_SECONDS, ANSWER_SECONDS = 2.0, 10.0


class Connection:
    """Runs scripts on keys that begin with `{prefix}:`, which a cluster keeps on one shard.

    `greet` runs once, before the first script, and says where vectors are searched.
    """

    def __init__(
        self, client_or_url: object, prefix: str, greet: "Callable[[Connection], str]"
    ) -> None:
        if not prefix or set("{}:") & set(prefix):
            raise InputError(f"prefix={prefix!r} must be a name without braces and colons")
        try:
            from redis import exceptions
        except ImportError as error:
            missing_extra("redis", "redis", error)
        self.client = client_for(client_or_url)
        self._own = isinstance(client_or_url, str)
        self.prefix = f"{{{prefix}}}:"
        self.away = (exceptions.ConnectionError, exceptions.TimeoutError)
        self.refused = (exceptions.ResponseError, exceptions.AuthenticationError)
        self.clustered = hasattr(self.client, "keyslot")
        self._unknown_script = exceptions.NoScriptError
        self._greet = greet
        self._kind = ""
        self._lock = threading.RLock()
        self._paused_until = 0.0

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
        known = script(name)
        given = (1, self.key("registry"), self.prefix, kind, *arguments)

        def call(client: Any) -> Any:
            try:
                return client.evalsha(known.digest, *given)
            except self._unknown_script:
                return client.eval(known.text, *given)

        return self.attempt(call)

    def attempt(self, call: Callable[[Any], Any]) -> Any:
        """What a call of the client returns; while the server is away it fails at once."""
        if self._pausing():
            raise self.away[0](
                f"the Redis server could not be reached; trying again within {PAUSE_SECONDS:g} s"
            )
        try:
            return call(self.client)
        except self.away:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            raise

    def close(self) -> None:
        """Let go of a client that was made here."""
        if self._own:
            self.client.close()

    def _pausing(self) -> bool:
        return time.monotonic() < self._paused_until


def client_for(client_or_url: object) -> Any:
    """A client that gives bytes back; one for a URL reconnects once, without waiting."""
    if isinstance(client_or_url, str):
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError as Away
        from redis.retry import Retry

        return Redis.from_url(
            client_or_url,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 1, (Away,)),
        )
    encoder = getattr(client_or_url, "get_encoder", None)
    if encoder is None:
        raise InputError(
            f"a {type(client_or_url).__name__} is no Redis client; give redis.Redis(...), "
            "redis.RedisCluster(...) or a URL such as redis://localhost:6379"
        )
    if encoder().decode_responses:
        raise InputError("the Redis client must be made with decode_responses=False")
    return client_or_url
