"""One call in a session's account."""

from collections.abc import Callable, Sequence

from ragthrift.memory.account import Account
from ragthrift.memory.policy import Caching
from ragthrift.memory.talk import Talk, shared
from ragthrift.types import Message


def booked(
    talk: Talk,
    full: Sequence[Message],
    sent: Sequence[Message],
    *,
    tokens: Callable[[Message], int],
    caching: Caching,
    since: float,
) -> Account:
    """What a prompt takes, and what it would take with the whole history.

    `since` are the seconds since the last one: a cache that was not asked for long is cold.
    """
    warm = bool(talk.prompt) and since <= caching.ttl_seconds
    return Account(
        calls=1,
        warm_calls=int(warm),
        full_tokens=sum(map(tokens, full)),
        full_cached=_cached(talk.full, full, tokens, caching) if warm else 0,
        view_tokens=sum(map(tokens, sent)),
        view_cached=_cached(talk.prompt, sent, tokens, caching) if warm else 0,
    )


def _cached(
    before: Sequence[Message],
    now: Sequence[Message],
    tokens: Callable[[Message], int],
    caching: Caching,
) -> int:
    count = sum(map(tokens, now[: shared(before, now)]))
    return count if count >= caching.min_tokens else 0
