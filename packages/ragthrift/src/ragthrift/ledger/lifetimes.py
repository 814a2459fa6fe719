"""How long what was written to Anthropic's cache is kept there, where only the request tells."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ragthrift.ledger.reading_usage import BilledTokens

_MARK = "cache_control"
_HOUR = "cache_write_1h_tokens"


def lifetimes_in(request: object) -> Iterator[str]:
    """Of each marker in a request.

    >>> list(lifetimes_in([{"type": "text", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]))
    ['1h']
    >>> list(lifetimes_in({"cache_control": {"type": "ephemeral"}}))
    ['5m']
    """
    if isinstance(request, Mapping):
        mark = request.get(_MARK)
        if isinstance(mark, Mapping):
            yield str(mark.get("ttl") or "5m")
        for value in request.values():
            yield from lifetimes_in(value)
    elif isinstance(request, (list, tuple)):
        for value in request:
            yield from lifetimes_in(value)


def with_lifetimes(billed: BilledTokens, lifetimes: Iterable[str]) -> BilledTokens:
    """The same; all that was written is for an hour if every marker says so.

    Streams end with a total of writes, and frameworks drop their beginning, which tells the two
    lifetimes apart.
    """
    written = billed.usage.cache_write_tokens
    if not written or _HOUR in billed.classes or set(lifetimes) != {"1h"}:
        return billed
    return replace(billed, classes={**billed.classes, _HOUR: written})
