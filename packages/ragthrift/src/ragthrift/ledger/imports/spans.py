"""Spans, however they were written: OTLP in JSON, one a line, or Phoenix's export."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ragthrift.ledger.imports.fields import Record, decoded, down, error_name, seconds_of

_VALUES = ("stringValue", "intValue", "doubleValue", "boolValue")


@dataclass(frozen=True, slots=True)
class Span:
    """A span with flat attributes."""

    id: str
    trace: str
    parent: str
    name: str
    start: float | None
    end: float | None
    error: str
    attributes: Mapping[str, Any]

    def first(self, *names: str) -> Any:
        """The first of some attributes that is there."""
        return next((self.attributes[name] for name in names if name in self.attributes), None)

    def under(self, prefix: str) -> dict[str, Any]:
        """Attributes below a name, without it."""
        return {
            name.removeprefix(prefix): value
            for name, value in self.attributes.items()
            if name.startswith(prefix)
        }


def unwrapped(record: Record) -> Iterator[Record]:
    """The spans of a batch in OTLP, or the record itself.

    https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
    """
    if "resourceSpans" not in record:
        yield record
        return
    for resource in record["resourceSpans"]:
        for scope in resource.get("scopeSpans") or resource.get("instrumentationLibrarySpans", ()):
            yield from scope.get("spans", ())


def is_span(record: Record) -> bool:
    """Whether it has the fields of one."""
    return any(name in record for name in ("attributes", "spanId", "context.span_id")) and any(
        name in record for name in ("startTimeUnixNano", "start_time", "startTime", "context")
    )


def span_of(record: Record) -> Span:
    """From OTLP, `ReadableSpan.to_json()` or Phoenix."""
    context = record.get("context") or {}
    trace = record.get("traceId") or context.get("trace_id") or record.get("context.trace_id")
    number = record.get("spanId") or context.get("span_id") or record.get("context.span_id")
    parent = record.get("parentSpanId") or record.get("parent_id") or ""
    start = record.get("startTimeUnixNano") or record.get("start_time") or record.get("startTime")
    end = record.get("endTimeUnixNano") or record.get("end_time") or record.get("endTime")
    attributes = dict(_flat(record.get("attributes", {})))
    for name, value in record.items():
        if name.startswith("attributes."):
            attributes |= _flat(value, name.removeprefix("attributes."))
    return Span(
        str(number or ""),
        str(trace or ""),
        str(parent),
        str(record.get("name", "")),
        seconds_of(start),
        seconds_of(end),
        _error(record, attributes),
        attributes,
    )


def _error(record: Record, attributes: Mapping[str, Any]) -> str:
    status = record.get("status") or {}
    code = down(status, "code") or down(status, "status_code") or record.get("status_code")
    if name := attributes.get("error.type"):
        return str(name)
    message = down(status, "message") or record.get("status_message")
    return (
        error_name(message) or "error"
        if str(code).upper() in ("2", "ERROR", "STATUS_CODE_ERROR")
        else ""
    )


def _flat(value: object, name: str = "") -> Iterator[tuple[str, Any]]:
    """Names with dots, as attributes have them."""
    dot = f"{name}." if name else ""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{dot}{key}")
    elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        if "key" in value[0] and not name:
            yield from ((one["key"], _plain(one.get("value"))) for one in value)
            return
        for place, one in enumerate(value):
            yield from _flat(one, f"{dot}{place}")
    else:
        yield name, value


def _plain(value: object) -> Any:
    """A value of OTLP."""
    if not isinstance(value, Mapping):
        return value
    if "intValue" in value:
        return int(value["intValue"])
    if "arrayValue" in value:
        return [_plain(one) for one in down(value, "arrayValue", "values") or ()]
    if "kvlistValue" in value:
        pairs = down(value, "kvlistValue", "values") or ()
        return {one["key"]: _plain(one.get("value")) for one in pairs}
    return next((decoded(value[name]) for name in _VALUES if name in value), None)
