"""A provider's HTTP interface: what came back, or what to think of it."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from ragthrift.batch.pace import BusyError, NotNowError, RefusedError
from ragthrift.errors import missing_extra

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS, ANSWER_SECONDS = 15.0, 600.0
"""A file of 200 MB may take minutes to be taken in."""
_UNDONE = 429
_PASSING = frozenset({408, 409, 425, 500, 502, 503, 504, 529})
"""409 is a conflict with a change under way; 529 is Anthropic's word for overloaded."""


class HttpService:
    """Calls that either give JSON, or say whether something may have happened. Needs `httpx`."""

    def __init__(self, name: str, address: str, headers: Mapping[str, str]) -> None:
        try:
            import httpx
        except ImportError as error:
            missing_extra("batch", "httpx", error)
        self.name, self.address = name, address.rstrip("/")
        self._unsent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
        self._broken = (httpx.TransportError, httpx.DecodingError)
        self._client = httpx.Client(
            headers=dict(headers), timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        )

    def get(self, path: str, **params: object) -> dict[str, Any]:
        """What stands there."""
        given = {name: str(value) for name, value in params.items() if value not in (None, "")}
        return self._call("GET", path, params=given)

    def post(self, path: str, **sent: Any) -> dict[str, Any]:
        """What came of it; `sent` is httpx's `json`, `content`, `files`, `data`, `headers`."""
        return self._call("POST", path, **sent)

    def post_unless_ended(self, path: str) -> None:
        """Ask for the end of something; that it has ended already is no error."""
        try:
            self.post(path)
        except RefusedError as error:
            if error.status in (401, 403):
                raise

    def lines(self, path: str) -> Iterator[str]:
        """Of a file of JSON lines, as they arrive."""
        with (
            self._judging(),
            self._client.stream("GET", self.address + path, follow_redirects=True) as reply,
        ):
            if reply.status_code != 200:
                reply.read()
                self._judge(reply)
            for line in reply.iter_lines():
                if line.strip():
                    yield line

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _call(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        with self._judging():
            reply = self._client.request(method, self.address + path, **sent)
            self._judge(reply)
            try:
                told = reply.json()
            except ValueError as error:
                raise NotNowError(f"{self.name} sent no JSON: {reply.text[:200]!r}") from error
        return told if isinstance(told, dict) else {}

    @contextmanager
    def _judging(self) -> Iterator[None]:
        try:
            yield
        except self._unsent as error:
            raise BusyError(f"{self.name} cannot be reached: {_said(error)}") from error
        except self._broken as error:
            raise NotNowError(f"{self.name} broke off: {_said(error)}") from error

    def _judge(self, reply: "httpx.Response") -> None:
        status = reply.status_code
        if status < 300:
            return
        said = f"{self.name} answered {status}: {_message(reply)}"
        wait = retry_after(reply.headers.get("retry-after", ""))
        if status == _UNDONE:
            raise BusyError(said, wait, all_of_it=wait > 0)
        if status in _PASSING or status > 500:
            raise NotNowError(said, wait, all_of_it=wait > 0)
        raise RefusedError(said, status)


def retry_after(header: str) -> float:
    """Seconds that a `Retry-After` asks for, given as a number or as a date (RFC 9110, 10.2.3).

    >>> retry_after("7"), retry_after(""), retry_after("Wed, 21 Oct 2015 07:28:00 GMT")
    (7.0, 0.0, 0.0)
    """
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return 0.0
    return max(0.0, moment.timestamp() - time.time())


def seconds_of(moment: object) -> float:
    """Seconds since 1970 of a Unix time or an RFC 3339 text; 0 where there is none.

    >>> seconds_of("1970-01-01T00:01:00Z"), seconds_of(60), seconds_of(None)
    (60.0, 60.0, 0.0)
    """
    if isinstance(moment, (int, float)):
        return float(moment)
    if not isinstance(moment, str) or not moment:
        return 0.0
    read = datetime.fromisoformat(moment)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def _message(reply: "httpx.Response") -> str:
    """What the provider says is wrong: both put it in `error.message`."""
    try:
        error = reply.json()["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        return reply.text[:300]


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
