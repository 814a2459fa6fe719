"""HTTP calls to a model's server: JSON there, JSON or server-sent events back."""

import json
import random
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ragthrift.errors import InputError, ModelError
from ragthrift.local.endpoint_failures import EndpointError, failure_in, failure_of
from ragthrift.local.endpoint_hang_up import HangUp

Reply = Mapping[str, Any]
Result = TypeVar("Result")

_OK = 200
_PASSING = frozenset({429, 502, 503})
"""Statuses that pass: too many calls, a gateway without its server, a model that is loading."""
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
"""Seconds before the second try, doubled for each further one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelServer:
    """Where a model is served. Holds no connection between calls; safe for threads."""

    root: str
    """Address without the `/v1` of OpenAI's routes."""
    api_key: str | None
    timeout: float
    """Seconds without a byte."""
    tries: int

    def ask(self, path: str, body: Reply | None = None) -> Reply:
        """A reply in one piece; GET without a body."""
        hang_up = HangUp()
        return self._retried(lambda: self._reply(path, body, hang_up), hang_up)

    def stream(self, path: str, body: Reply, hang_up: HangUp) -> Generator[Reply, None, None]:
        """Events as they come; closing the generator closes the connection.

        A call that fails in passing before its first event is tried again, and none after it.
        """
        begin = partial(self._events, path, body, hang_up)
        first, events = self._retried(lambda: _begun(begin()), hang_up)
        with closing(events):
            if first is not None:
                yield first
            yield from events

    def _reply(self, path: str, body: Reply | None, hang_up: HangUp) -> Reply:
        with self._answer(path, body, hang_up) as response:
            return self._parsed(response.read().decode("utf-8", "replace"))

    def _events(self, path: str, body: Reply, hang_up: HangUp) -> Generator[Reply, None, None]:
        with self._answer(path, body, hang_up) as response:
            for event in events_of(response):
                if event == "[DONE]":
                    return
                chunk = self._parsed(event)
                if failure := failure_in(self.root, chunk):
                    raise failure
                yield chunk

    @contextmanager
    def _answer(self, path: str, body: Reply | None, hang_up: HangUp) -> Iterator[HTTPResponse]:
        """The open response to a request that was taken."""
        content = None if body is None else _encoded(body)
        try:
            with closing(self._connection()) as connection:
                prefix = urlsplit(self.root).path
                method = "GET" if body is None else "POST"
                connection.connect()
                hang_up.watch(connection.sock)
                connection.request(method, prefix + path, content, self._headers())
                with closing(connection.getresponse()) as response:
                    if response.status != _OK:
                        raise self._refusal(response)
                    yield response
        except TimeoutError as error:
            raise EndpointError(
                f"{self.root} sent nothing for {self.timeout:g} s; raise the timeout, or ask "
                "for fewer tokens"
            ) from error
        except (OSError, HTTPException) as error:
            raise EndpointError(f"{self.root} did not answer {path}: {error!r}") from error

    def _connection(self) -> HTTPConnection:
        parts = urlsplit(self.root)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        return kind(parts.netloc.rpartition("@")[2], timeout=self.timeout)

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if self.api_key is not None:
            headers["Authorization"] = f"Bearer {self.api_key}"
        return headers

    def _refusal(self, response: HTTPResponse) -> ModelError | InputError:
        text = response.read().decode("utf-8", "replace")
        try:
            reply: object = json.loads(text)
        except ValueError:
            reply = text
        return failure_of(self.root, response.status, reply, _wait_of(response))

    def _parsed(self, text: str) -> Reply:
        try:
            reply = json.loads(text)
        except ValueError as error:
            raise EndpointError(f"{self.root} sent broken JSON: {text[:200]!r}") from error
        return reply if isinstance(reply, Mapping) else {"data": reply}

    def _retried(self, attempt: Callable[[], Result], hang_up: HangUp) -> Result:
        for tried in range(1, self.tries):
            try:
                return attempt()
            except EndpointError as error:
                if not _passes(error):
                    raise
                hang_up.rest(_wait(tried, error.retry_after))
        return attempt()


def events_of(lines: Iterable[bytes]) -> Iterator[str]:
    r"""Contents of server-sent events.

    >>> list(events_of([b": ping\n", b"data: a\r\n", b"data:b\n", b"\n", b"data: [DONE]\n"]))
    ['a\nb', '[DONE]']
    """
    collected: list[str] = []
    for line in lines:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if text.startswith("data:"):
            collected.append(text.removeprefix("data:").removeprefix(" "))
        elif not text and collected:
            yield "\n".join(collected)
            collected.clear()
    if collected:
        yield "\n".join(collected)


def _begun(
    events: Generator[Reply, None, None],
) -> tuple[Reply | None, Generator[Reply, None, None]]:
    return next(events, None), events


def _encoded(body: Reply) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:
        raise InputError("a text holds half a surrogate pair; send valid Unicode") from error
    except (TypeError, ValueError) as error:
        raise InputError(f"the request cannot be written as JSON: {error}") from error


def _passes(error: EndpointError) -> bool:
    return error.status_code in _PASSING or isinstance(error.__cause__, ConnectionError)


def _wait(tried: int, asked: float | None) -> float:
    """Seconds to the next try: as the server asks, else doubling, with chance against crowds."""
    if asked is not None:
        return min(asked, _LONGEST_WAIT)
    return min(_FIRST_WAIT * 2.0 ** (tried - 1), _LONGEST_WAIT) * random.uniform(0.5, 1.0)


def _wait_of(response: HTTPResponse) -> float | None:
    """`Retry-After` in seconds; its other form, a date, is not read."""
    said = response.headers.get("Retry-After", "")
    return float(said) if said.isdecimal() else None
