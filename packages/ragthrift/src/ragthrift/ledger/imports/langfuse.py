"""Langfuse's observations, as its API and its export write them, in camel or in snake case.

https://langfuse.com/docs/observability/features/token-and-cost-tracking
"""

from collections.abc import Mapping
from typing import Any

from ragthrift.ledger.call import UNTAGGED, Call
from ragthrift.ledger.imports.fields import (
    Record,
    between,
    decoded,
    error_name,
    kept,
    mapping,
    messages_of,
    prompt_of,
    seconds_of,
)
from ragthrift.ledger.reading_usage import BilledTokens, read_langchain_usage, read_usage
from ragthrift.ledger.usage_forms import number

_KINDS = ("GENERATION", "SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EMBEDDING")


def fits(record: Record) -> bool:
    """Whether it is an observation."""
    return str(record.get("type")).upper() in _KINDS and _field(record, "traceId") is not None


def root_of(record: Record) -> tuple[str, str] | None:
    """The trace that an observation begins, and its name."""
    trace, named = _field(record, "traceId"), _field(record, "traceName")
    begins = not _field(record, "parentObservationId") and record.get("type") != "GENERATION"
    name = named or (record.get("name") if begins else None)
    return (str(trace), str(name)) if trace and name else None


def call(record: Record, roots: Mapping[str, str]) -> Call | None:
    """From an observation of the type "GENERATION"."""
    if str(record.get("type")).upper() != "GENERATION":
        return None
    start = seconds_of(_field(record, "startTime"))
    read = _used(record)
    if start is None or read is None:
        raise ValueError(f"observation {record.get('id')} has no usage or no time")
    given, metadata = mapping(_field(record, "modelParameters")), mapping(record.get("metadata"))
    trace = str(_field(record, "traceId") or "")
    model = record.get("model") or _field(record, "providedModelName")
    failed = _field(record, "statusMessage") if record.get("level") == "ERROR" else ""
    own = record.get("name")
    named = metadata.get("request_type") or roots.get(trace) or own or UNTAGGED
    return Call(
        model=str(model or ""),
        usage=read.usage,
        classes=read.classes,
        measured=bool(read.usage.total_tokens),
        request_type=str(named),
        at=start,
        **kept(
            id=str(record.get("id") or ""),
            trace=trace,
            session=str(_field(record, "sessionId") or ""),
            seconds=between(start, seconds_of(_field(record, "endTime"))),
            first_token_seconds=between(start, seconds_of(_field(record, "completionStartTime"))),
            max_tokens=number(given.get("max_tokens") or given.get("max_completion_tokens"))
            or None,
            error=error_name(failed),
            tags=tuple(map(str, decoded(record.get("tags")) or ())),
        ),
        **prompt_of(messages_of(record.get("input")), read.usage.input_tokens),
    )


def _used(record: Record) -> BilledTokens | None:
    """Each kind of token is counted once: what was cached is not in "input" besides.

    Where the total says that it is, it is.
    """
    details = mapping(_field(record, "usageDetails"))
    if not details:
        return read_usage(_old(mapping(record.get("usage"))))
    counts = {name: number(count) for name, count in details.items()}
    given = {name: n for name, n in counts.items() if "output" not in name and name != "total"}
    written = {name: n for name, n in counts.items() if "output" in name}
    nested = counts.get("total") == counts.get("input", 0) + counts.get("output", 0)
    read = sum(n for name, n in given.items() if "cache_read" in name or "cached" in name)
    made = {name: n for name, n in given.items() if "cache_creation" in name or "write" in name}
    return read_langchain_usage(
        {
            "input_tokens": counts.get("input", 0) if nested else sum(given.values()),
            "output_tokens": counts.get("output", 0) if nested else sum(written.values()),
            "input_token_details": {
                "cache_read": read,
                "cache_creation": sum(made.values()),
                "ephemeral_1h_input_tokens": sum(n for name, n in made.items() if "1h" in name),
                "audio": counts.get("input_audio_tokens") or counts.get("input_audio"),
            },
            "output_token_details": {
                "reasoning": sum(n for name, n in written.items() if "reasoning" in name),
                "audio": counts.get("output_audio_tokens") or counts.get("output_audio"),
            },
        }
    )


def _old(usage: Record) -> dict[str, Any]:
    return {"input_tokens": usage.get("input"), "output_tokens": usage.get("output")}


def _field(record: Record, name: str) -> Any:
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
    return record.get(name, record.get(snake))
