"""Lines of OpenAI's batch files, which vLLM reads and writes, too."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from ragthrift.batch.chat_form import CHAT, read_chat
from ragthrift.batch.provider import Line
from ragthrift.errors import ModelError
from ragthrift.ledger.reading_usage import read_usage
from ragthrift.usage import Usage

_AGAIN = frozenset({0, 408, 409, 425, 429, 500, 502, 503, 504, 529})
"""Statuses of single requests that may go better; 0 was seen where a model did not answer."""
_PASSING = frozenset({"batch_expired", "request_timeout"})
"""Codes of requests that were not run to their end, and not billed; OpenAI's batch reference."""
_CANCELLED = "batch_cancelled"


def write_lines(file: BinaryIO, lines: Iterable[tuple[str, str]], *, url: str = CHAT) -> None:
    """Write requests, given by custom id and body, as the lines of an input file.

    >>> from io import BytesIO
    >>> file = BytesIO()
    >>> write_lines(file, [("a-1", '{"model": "m"}')])
    >>> json.loads(file.getvalue())["body"]
    {'model': 'm'}
    """
    for custom_id, body in lines:
        begin = f'{{"custom_id": {json.dumps(custom_id)}, "method": "POST", "url": "{url}", '
        file.write(f'{begin}"body": {body}}}\n'.encode())


LINE_BYTES = 200
"""At most what a line has besides its body."""


def read_line(text: str) -> Line | None:
    """What a line of an output or an error file says; `None` for one that is no such line.

    >>> read_line('{"custom_id": "a-1", "error": {"code": "batch_expired"}}').again
    True
    """
    try:
        told = json.loads(text)
        custom_id = str(told["custom_id"])
    except (ValueError, KeyError, TypeError):
        return None
    response = told.get("response") or {}
    if told.get("error"):
        return _failed(custom_id, told["error"], int(response.get("status_code") or 400))
    body = response.get("body") or {}
    status = int(response.get("status_code") or 0)
    if status != 200 or "choices" not in body:
        return _failed(custom_id, body.get("error") or {}, status)
    try:
        billed = read_usage(body.get("usage"), "openai")
        completion = read_chat(body, billed.usage if billed else Usage())
    except (KeyError, IndexError, TypeError, ModelError) as error:
        return Line(custom_id, error=f"an answer that cannot be read: {error!r}")
    return Line(custom_id, completion, usage=body.get("usage"))


def _failed(custom_id: str, error: Mapping[str, Any] | str, status: int) -> Line:
    told = {"message": error} if isinstance(error, str) else error
    code = str(told.get("code") or status)
    return Line(
        custom_id,
        error=f"{code}: {told.get('message') or 'no reason was given'}",
        again=code in _PASSING or (code != _CANCELLED and status in _AGAIN),
        cancelled=code == _CANCELLED,
    )
