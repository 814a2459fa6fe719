"""What a model's server says when it refuses a call, as ragthrift's errors."""

import json
import re
from collections.abc import Mapping
from typing import Any

from ragthrift.errors import ContextOverflowError, InputError, ModelError

_UNKNOWN = 0
_REFUSED, _TOO_MANY = (400, 413, 422), 429
_OVERFLOW = re.compile(
    r"context.?(?:length|window|size)|maximum (?:context|model length)|too long to fit"
    r"|prompt is too long|exceed_context_size",
    re.IGNORECASE,
)
_WINDOW = re.compile(
    r"(?:maximum context length (?:is|of)|context length|maximum model length of"
    r"|context size|n_ctx=?)\D{0,4}(\d+)",
    re.IGNORECASE,
)
_SUM = re.compile(r"total of at least (\d+)", re.IGNORECASE)
_TOTAL = re.compile(
    r"(?:you requested|resulted in|total length|prompt \(length|request) \(?(\d+)", re.IGNORECASE
)
_INPUT = re.compile(r"(?:has|contains at least) (\d+) input tokens", re.IGNORECASE)
_WANTED = re.compile(r"(?:too large: |you requested )(\d+)", re.IGNORECASE)


class EndpointError(ModelError):
    """A server that failed; `status_code` tells a router whether another may do better."""

    def __init__(
        self, message: str, status_code: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.retry_after = retry_after
        """Seconds that the server asks to wait."""


def failure_of(
    where: str, status: int, reply: object, retry_after: float | None = None
) -> ModelError | InputError:
    """The error for a refused call; `reply` is the server's JSON, or its text if it is none.

    >>> failure_of("vLLM", 404, {"error": {"message": "The model `x` does not exist."}})
    EndpointError('vLLM: The model `x` does not exist. (HTTP 404)')
    """
    details, message = _said(reply)
    if status != _TOO_MANY and _is_overflow(details, message):
        return _overflow(details, message)
    if status in _REFUSED:
        return InputError(f"{where} refused the request: {message}")
    return EndpointError(f"{where}: {message} (HTTP {status})", status, retry_after)


def failure_in(where: str, chunk: Mapping[str, Any]) -> ModelError | InputError | None:
    """The error that a server sends in the middle of a stream, whose status was 200."""
    if "error" not in chunk and chunk.get("object") != "error":
        return None
    details, _ = _said(chunk)
    code = details.get("code", 500)
    return failure_of(where, code if isinstance(code, int) else 500, chunk)


def _said(reply: object) -> tuple[Mapping[str, Any], str]:
    """OpenAI nests the error; others write a text, or `message` or `detail` at the top."""
    if not isinstance(reply, Mapping):
        return {}, str(reply).strip()[:500] or "no reason given"
    error = reply.get("error", reply)
    if not isinstance(error, Mapping):
        return {}, str(error)
    message = error.get("message") or error.get("detail") or json.dumps(error, default=str)
    return error, str(message)


def _is_overflow(details: Mapping[str, Any], message: str) -> bool:
    known = ("context_length_exceeded", "exceed_context_size_error")
    if details.get("code") in known or details.get("type") in known:
        return True
    return bool(_OVERFLOW.search(message)) and any(character.isdigit() for character in message)


def _overflow(details: Mapping[str, Any], message: str) -> ContextOverflowError:
    window = details.get("n_ctx") or _number(_WINDOW, message)
    needed = details.get("n_prompt_tokens") or _needed(message)
    error = ContextOverflowError(int(needed), int(window))
    error.add_note(f"The server said: {message}")
    return error


def _needed(message: str) -> int:
    """Of prompt and answer, which vLLM may name apart."""
    if total := _number(_SUM, message):
        return total
    if prompt := _number(_INPUT, message):
        return prompt + _number(_WANTED, message)
    return _number(_TOTAL, message)


def _number(pattern: re.Pattern[str], message: str) -> int:
    found = pattern.search(message)
    return int(found[1]) if found else _UNKNOWN
