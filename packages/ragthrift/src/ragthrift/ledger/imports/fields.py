"""Values of exported records: times, texts in JSON, messages."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ragthrift.ledger.call import Segment
from ragthrift.ledger.prompt_parts import Prompt, question_in, segments_of, split
from ragthrift.ledger.signature import signature
from ragthrift.tokens import EstimatedTokens
from ragthrift.types import Message, Role

Record = Mapping[str, Any]

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "model": "assistant",
}
_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "eos": "stop",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
    "function_call": "tool_calls",
    "safety": "content_filter",
    "refusal": "content_filter",
}


def seconds_of(value: object) -> float | None:
    """A time as seconds since 1970: from seconds, milli- or nanoseconds, or ISO 8601 (UTC).

    >>> seconds_of("2026-11-01T00:00:00Z") == seconds_of(1793491200000) == 1793491200.0
    True
    """
    if value is None or value == "":
        return None
    if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    number = float(str(value))
    return number / 1e9 if number > 1e16 else number / 1e3 if number > 1e11 else number


def decoded(value: object) -> Any:
    """A value that may be JSON in a text, as CSV and spans have it."""
    if isinstance(value, str) and value.strip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def mapping(value: object) -> Record:
    """A mapping, also as JSON in a text; empty for anything else."""
    found = decoded(value)
    return found if isinstance(found, Mapping) else {}


def down(value: object, *path: str | int) -> Any:
    """What is at the end of a path of keys and places, or `None`."""
    for step in path:
        value = decoded(value)
        if isinstance(step, int):
            within = isinstance(value, Sequence) and not isinstance(value, str)
            value = value[step] if within and len(value) > step else None  # type: ignore[index,arg-type]
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return decoded(value)


def text_of(content: object) -> str:
    """The text of a message's content, which may come in parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        return text_of(content.get("text") or content.get("content") or "")
    if isinstance(content, Iterable):
        return "\n".join(filter(None, map(text_of, content)))
    return ""


def messages_of(value: object) -> list[Message]:
    """Messages, as OpenAI, OpenTelemetry and LangChain write them; others are left out."""
    found = decoded(value)
    if isinstance(found, Mapping):
        found = found.get("messages") or found.get("message")
    while isinstance(found, list) and len(found) == 1 and isinstance(found[0], list):
        found = found[0]  # LangChain's batches
    return list(_messages(found)) if isinstance(found, list) else []


def _messages(found: Iterable[object]) -> Iterator[Message]:
    for one in found:
        fields = down(one, "kwargs") or one
        name = down(one, "id", -1) if down(one, "kwargs") else None
        said = down(fields, "role") or down(fields, "type") or name or ""
        role = str(said).lower().removesuffix("message").removesuffix("chunk")
        text = text_of(down(fields, "content") or down(fields, "parts"))
        if role in _ROLES and text:
            yield Message(_ROLES[role], text)


def prompt_of(messages: Sequence[Message], tokens: int) -> dict[str, Any]:
    """The segments of a prompt and the signature of its question, as a `Call` takes them."""
    if not messages:
        return {}
    prompt = Prompt(messages=messages)
    parts = split(prompt)
    segments: tuple[Segment, ...] = segments_of(
        prompt, parts, answer="", tokens=tokens, counter=EstimatedTokens(), keep_text=False
    )
    return {"segments": segments, "question": signature(question_in(prompt, parts))}


def reason(value: object) -> str:
    """Why an answer ended, in OpenAI's words."""
    said = str(value or "").lower().rpartition(".")[2]
    return _REASONS.get(said, said)


def error_name(value: object) -> str:
    """The name of the exception at the beginning of a message."""
    return str(value or "").partition("(")[0].partition(":")[0].strip()[:80]


def between(start: float | None, end: float | None) -> float | None:
    """Seconds from one time to another."""
    return None if start is None or end is None else max(0.0, end - start)


def kept(**fields: object) -> dict[str, Any]:
    """Those that say something."""
    return {name: value for name, value in fields.items() if value not in (None, "", ())}
