"""Failures that another tier may not have, told by what errors carry, without their packages."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal, TypeGuard, TypeVar

from ragthrift.errors import ContextOverflowError
from ragthrift.usage import Usage

Failure = TypeVar("Failure", bound=BaseException)
Fault = Literal["rate_limit", "server", "timeout", "connection", "overflow"]

_OVERFLOW = re.compile(
    r"context.?(?:length|window)|maximum context|prompt is too long|too many (?:input )?tokens"
    r"|input (?:is|token count)\b.{0,40}\b(?:too long|exceeds)|request too large",
    re.IGNORECASE,
)
_NAMES: tuple[tuple[Fault, re.Pattern[str]], ...] = (
    ("overflow", re.compile(r"Context(?:Window|Length|Overflow)")),
    ("rate_limit", re.compile(r"RateLimit|TooManyRequests|ResourceExhausted|Throttl")),
    ("timeout", re.compile(r"Timeout|DeadlineExceeded")),
    ("connection", re.compile(r"Connect|RemoteProtocol|ReadError|IncompleteRead|ChunkedEncoding")),
    ("server", re.compile(r"InternalServer|ServiceUnavailable|Overloaded|BadGateway|^ServerError")),
)
"""By class names of openai, anthropic, httpx, requests, google-genai, botocore and litellm."""
_TEXTS: tuple[tuple[Fault, re.Pattern[str]], ...] = (
    ("rate_limit", re.compile(r"\brate_limit_error\b|\brate_limit_exceeded\b")),
    ("server", re.compile(r"\b(?:overloaded|api|server)_error\b|The server had an error")),
    ("timeout", re.compile(r"\btimeout_error\b")),
)
"""By the types that anthropic and openai name in the middle of a stream, whose status was 200."""
_STATUSES: dict[int, Fault] = {408: "timeout", 413: "overflow", 429: "rate_limit", 504: "timeout"}
_BAD_REQUEST, _SERVER = (400, 422), 500
_USAGE = "ragthrift_usage"
_CAUSES = 4
"""How deep a framework may have wrapped the provider's error."""


def fault_of(error: BaseException) -> Fault | None:
    """What kind of passing failure an error is; `None` for one that would meet any tier.

    A wrong key, a malformed request or a bug is not passed on to a dearer tier.

    >>> fault_of(TimeoutError("too slow")), fault_of(ValueError("no such field"))
    ('timeout', None)
    """
    return next((fault for one in _chain(error) if (fault := _fault(one))), None)


def charged(error: Failure, usage: Usage) -> Failure:
    """The error of a failed call with what the call used, for an adapter that knows it.

    >>> usage_of(charged(TimeoutError(), Usage(10, 3)), "timeout").output_tokens
    3
    """
    setattr(error, _USAGE, usage)
    return error


def usage_of(error: BaseException, fault: Fault | None) -> Usage | None:
    """What a failed call used: as the error says, nothing if it was refused, else unknown."""
    said = getattr(error, _USAGE, None)
    if isinstance(said, Usage):
        return said
    if fault in ("rate_limit", "overflow") or status_of(error) is not None:
        return Usage()
    return None


def status_of(error: BaseException) -> int | None:
    """The HTTP status of a failure that an error carries."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):  # botocore's
        return _in_metadata(response)
    found = (
        getattr(error, "status_code", None),
        getattr(response, "status_code", None),
        getattr(error, "http_status", None),
        getattr(error, "code", None),
    )
    return next((status for status in found if _is_status(status)), None)


def _in_metadata(response: Mapping[str, object]) -> int | None:
    metadata = response.get("ResponseMetadata")
    status = metadata.get("HTTPStatusCode") if isinstance(metadata, Mapping) else None
    return status if _is_status(status) else None


def _is_status(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    for _ in range(_CAUSES):
        if current is None:
            return
        yield current
        current = current.__cause__


def _fault(error: BaseException) -> Fault | None:
    if isinstance(error, ContextOverflowError):
        return "overflow"
    status = status_of(error)
    if status is not None:
        return _by_status(status, str(error))
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ConnectionError):
        return "connection"
    names = [kind.__name__ for kind in type(error).__mro__]
    named = (fault for fault, known in _NAMES if any(map(known.search, names)))
    told = (fault for fault, known in _TEXTS if known.search(str(error)))
    return next(named, None) or next(told, None)


def _by_status(status: int, text: str) -> Fault | None:
    if status in _BAD_REQUEST:
        return "overflow" if _OVERFLOW.search(text) else None
    return _STATUSES.get(status, "server" if status >= _SERVER else None)
