"""LangSmith's runs, as `Client.list_runs` and the bulk export write them.

https://docs.langchain.com/langsmith/run-data-format
"""

from collections.abc import Mapping
from typing import Any

from ragthrift.ledger.call import UNTAGGED, Call
from ragthrift.ledger.imports.fields import (
    Record,
    between,
    decoded,
    down,
    error_name,
    kept,
    mapping,
    messages_of,
    prompt_of,
    reason,
    seconds_of,
)
from ragthrift.ledger.provider_names import provider_id
from ragthrift.ledger.reading_usage import read_langchain_usage

_MESSAGE = ("generations", 0, 0, "message", "kwargs")


def fits(record: Record) -> bool:
    """Whether it is a run."""
    return "run_type" in record


def root_of(record: Record) -> tuple[str, str] | None:
    """The trace that a run begins, and its name, unless it is the model call itself."""
    inner = record.get("parent_run_id") or record.get("parent_run_ids")
    begins = not inner and record.get("run_type") != "llm"
    trace = record.get("trace_id") or record.get("id")
    return (str(trace), str(record.get("name", ""))) if begins and trace else None


def call(record: Record, roots: Mapping[str, str]) -> Call | None:
    """From a run of the type "llm"; a hit of LangChain's cache has a cost of 0 in its usage."""
    if record.get("run_type") != "llm":
        return None
    metadata = {**mapping(down(record, "extra", "metadata")), **mapping(record.get("metadata"))}
    message = down(record.get("outputs"), *_MESSAGE)
    used = down(message, "usage_metadata") or down(record.get("outputs"), "usage_metadata")
    provider = provider_id(str(metadata.get("ls_provider") or ""))
    read = read_langchain_usage(used or _totals(record), provider)
    start = seconds_of(record.get("start_time"))
    if read is None or start is None:
        raise ValueError(f"run {record.get('id')} has no usage or no time")
    trace = str(record.get("trace_id") or "")
    named = metadata.get("request_type") or roots.get(trace) or UNTAGGED
    return Call(
        provider=provider,
        usage=read.usage,
        classes=read.classes,
        processing=read.processing,
        measured=bool(read.usage.total_tokens),
        answered_by_cache=down(used, "total_cost") == 0 and message is not None,
        request_type=str(named),
        trace=trace,
        at=start,
        **_details(record, metadata, down(message, "response_metadata"), start),
        **prompt_of(messages_of(record.get("inputs")), read.usage.input_tokens),
    )


def _details(record: Record, metadata: Record, ended: object, start: float) -> dict[str, Any]:
    """What a run may tell besides: `ended` is the metadata of its answer."""
    given = mapping(down(record, "extra", "invocation_params"))
    named = metadata.get("ls_model_name") or given.get("model") or given.get("model_name")
    return {"model": str(named or down(ended, "model_name") or "")} | kept(
        id=str(record.get("id") or ""),
        session=str(metadata.get("thread_id") or metadata.get("session_id") or ""),
        seconds=between(start, seconds_of(record.get("end_time"))),
        first_token_seconds=between(start, seconds_of(record.get("first_token_time"))),
        max_tokens=metadata.get("ls_max_tokens") or given.get("max_tokens"),
        finish_reason=reason(down(ended, "finish_reason") or down(ended, "stop_reason")),
        error=error_name(record.get("error")),
        tags=tuple(map(str, decoded(record.get("tags")) or ())),
    )


def _totals(record: Record) -> dict[str, Any]:
    return {
        "input_tokens": record.get("prompt_tokens"),
        "output_tokens": record.get("completion_tokens"),
        "input_token_details": mapping(record.get("prompt_token_details")),
        "output_token_details": mapping(record.get("completion_token_details")),
    }
