"""A call as JSON: one form for files, whoever writes them."""

from collections.abc import Mapping, Sequence
from typing import Any

from ragthrift.errors import InputError
from ragthrift.ledger.call import UNTAGGED, Call, Segment
from ragthrift.usage import Savings, Usage

VERSION = 1
_PLAIN: Mapping[str, object] = {
    "provider": "",
    "processing": "standard",
    "measured": True,
    "answered_by_cache": False,
    "request_type": UNTAGGED,
    "purpose": "answer",
    "question": "",
    "session": "",
    "trace": "",
    "seconds": None,
    "first_token_seconds": None,
    "max_tokens": None,
    "finish_reason": "",
    "retries": 0,
    "error": "",
}
"""Fields that are written as they are, and left out where they have this value."""
_USAGE = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")


def packed(call: Call) -> dict[str, Any]:
    """The fields of a call, by their names; defaults are left out.

    `usage` holds the counts that are not 0; a segment is a list of its kind, digest, tokens, id,
    `used` and text, without the last ones that say nothing; a lever's savings are before and after.

    >>> from ragthrift.usage import Usage
    >>> packed(Call(model="m", usage=Usage(5, 1), at=0.0, id="a"))
    {'v': 1, 'at': 0.0, 'id': 'a', 'model': 'm', 'usage': {'input_tokens': 5, 'output_tokens': 1}}
    """
    usage = call.usage
    fields: dict[str, Any] = {"v": VERSION, "at": call.at, "id": call.id, "model": call.model}
    fields["usage"] = {name: n for name in _USAGE if (n := getattr(usage, name))}
    for name, plain in _PLAIN.items():
        if (value := getattr(call, name)) != plain:
            fields[name] = value
    if call.classes:
        fields["classes"] = dict(call.classes)
    if call.segments:
        fields["segments"] = [_packed_segment(segment) for segment in call.segments]
    if call.savings:
        fields["savings"] = {name: [s.before, s.after] for name, s in call.savings.items()}
    if call.tags:
        fields["tags"] = list(call.tags)
    return fields


def unpacked(fields: Mapping[str, Any]) -> Call:
    """The call that was packed; raises `InputError` for what is none.

    >>> from ragthrift.usage import Usage
    >>> call = Call(model="m", usage=Usage(5, 1))
    >>> unpacked(packed(call)) == call
    True
    """
    version = fields.get("v", VERSION)
    if version != VERSION:
        raise InputError(
            f"a call of version {version!r}, not {VERSION}; "
            "read it with the ragthrift that wrote it"
        )
    try:
        known = {name: fields[name] for name in _PLAIN if name in fields}
        if "id" in fields:
            known["id"] = fields["id"]
        return Call(
            model=fields["model"],
            usage=Usage(**fields["usage"]),
            at=float(fields["at"]),
            classes=fields.get("classes", {}),
            segments=tuple(map(_segment, fields.get("segments", ()))),
            savings={name: Savings(*pair) for name, pair in fields.get("savings", {}).items()},
            tags=tuple(fields.get("tags", ())),
            **known,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"not a call: {type(error).__name__}: {error}") from error


def _packed_segment(segment: Segment) -> list[Any]:
    fields = [segment.kind, segment.digest, segment.tokens, segment.id, segment.used, segment.text]
    while fields[-1] is None or fields[-1] == "":
        fields.pop()
    return fields


def _segment(fields: Sequence[Any]) -> Segment:
    return Segment(*fields)
