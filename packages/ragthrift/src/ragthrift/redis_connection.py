"""The way to a Redis or Valkey server: scripts by digest, and a pause after it was away."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

from ragthrift.errors import InputError, missing_extra

PAUSE_SECONDS = 1.0
"""How long nothing is tried after the server was away: questions must not wait for it."""
CONNECT_SECONDS, ANSWER_SECONDS = 2.0, 10.0


@dataclass(frozen=True, slots=True)
class Script:
    """A text that the server runs as one step, and the digest by which it knows it."""

    text: str
    digest: str

    @classmethod
    def of(cls, text: str) -> "Script":
        """A script with its digest.

        >>> Script.of("return 1").digest[:8]
        'e0e1f9fa'
        """
        return cls(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


class RedisConnection:
    """A client that was given, or one made for a URL. Needs the `redis` extra."""

    def __init__(self, client_or_url: object) -> None:
        try:
            from redis import exceptions
        except ImportError as error:
            missing_extra("redis", "redis", error)
        self.client = client_for(client_or_url)
        self._own = isinstance(client_or_url, str)
        self.away = (exceptions.ConnectionError, exceptions.TimeoutError)
        self.refused = (exceptions.ResponseError, exceptions.AuthenticationError)
        self.clustered = hasattr(self.client, "keyslot")
        self._unknown_script = exceptions.NoScriptError
        self._paused_until = 0.0

    def run_script(self, script: Script, keys: Sequence[str], *arguments: Any) -> Any:
        """What a script returns; the server gets its text where it does not know it."""
        given = (len(keys), *keys, *arguments)

        def call(client: Any) -> Any:
            try:
                return client.evalsha(script.digest, *given)
            except self._unknown_script:
                return client.eval(script.text, *given)

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


def checked_prefix(prefix: str) -> str:
    """A prefix of keys; raises `InputError` for one that would change a cluster's hash tags."""
    if not prefix or set("{}:") & set(prefix):
        raise InputError(f"prefix={prefix!r} must be a name without braces and colons")
    return prefix


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
