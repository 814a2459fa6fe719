"""LiteLLM's spend logs, as `/spend/logs` and a dump of the table write them.

https://docs.litellm.ai/docs/proxy/cost_tracking; cached tokens are in `prompt_tokens`, as in
OpenAI's form, and `metadata.usage_object` tells them.
"""

from collections.abc import Mapping
from typing import Any

from ragthrift.ledger.call import Call
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
from ragthrift.ledger.provider_names import provider_id
from ragthrift.ledger.reading_usage import read_usage

_CALLS = ("completion", "responses", "anthropic_messages", "generate_content")


def fits(record: Record) -> bool:
    """Whether it is a row of the log."""
    return "request_id" in record and "startTime" in record and "prompt_tokens" in record


def call(record: Record, _: Mapping[str, str]) -> Call | None:
    """From a row of a completion; embeddings, images and others are none."""
    kind = str(record.get("call_type") or "completion")
    if not any(name in kind for name in _CALLS):
        return None
    metadata = mapping(record.get("metadata"))
    counted = {name: record.get(name) for name in ("prompt_tokens", "completion_tokens")}
    extra = mapping(metadata.get("additional_usage_values"))
    read = read_usage({**counted, **extra, **mapping(metadata.get("usage_object"))})
    start = seconds_of(record.get("startTime"))
    if read is None or start is None:
        raise ValueError(f"request {record.get('request_id')} has no usage or no time")
    return Call(
        model=str(record.get("model") or "").rpartition("/")[2],
        provider=provider_id(str(record.get("custom_llm_provider") or "")),
        usage=read.usage,
        classes=read.classes,
        processing=read.processing,
        measured=bool(read.usage.total_tokens),
        answered_by_cache=str(record.get("cache_hit")).lower() == "true",
        at=start,
        **_details(record, metadata, start),
        **prompt_of(messages_of(record.get("messages")), read.usage.input_tokens),
    )


def _details(record: Record, metadata: Record, start: float) -> dict[str, Any]:
    """What a row may tell besides; without a tag, the model's group is the request type."""
    found = decoded(record.get("request_tags"))
    tags = tuple(map(str, found)) if isinstance(found, list) else ()
    own = mapping(metadata.get("requester_metadata")).get("request_type")
    failed = mapping(metadata.get("error_information")).get("error_class")
    if not failed and record.get("status") == "failure":
        failed = "error"
    return kept(
        id=str(record["request_id"]),
        request_type=str(own or next(iter(tags), "") or record.get("model_group") or ""),
        session=str(record.get("session_id") or ""),
        seconds=between(start, seconds_of(record.get("endTime"))),
        first_token_seconds=between(start, seconds_of(record.get("completionStartTime"))),
        error=error_name(failed),
        tags=tags,
    )
