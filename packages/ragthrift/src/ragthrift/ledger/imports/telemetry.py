"""Model calls in spans: OpenTelemetry's GenAI attributes, old and new, and OpenInference's."""

from collections.abc import Mapping
from typing import Any

from ragthrift.ledger.call import UNTAGGED, Call
from ragthrift.ledger.imports.fields import (
    Record,
    between,
    decoded,
    kept,
    mapping,
    messages_of,
    prompt_of,
    reason,
)
from ragthrift.ledger.imports.spans import Span, is_span, span_of
from ragthrift.ledger.provider_names import provider_id
from ragthrift.ledger.reading_usage import read_langchain_usage
from ragthrift.ledger.usage_forms import number

_CALLS = ("chat", "text_completion", "generate_content", "completion")
_USED = "gen_ai.usage."
_OTEL = {
    "input": ("input_tokens", "prompt_tokens"),
    "output": ("output_tokens", "completion_tokens"),
    "read": ("cache_read.input_tokens", "cache_read_input_tokens", "details.cache_read_tokens"),
    "write": (
        "cache_write.input_tokens",
        "cache_creation.input_tokens",
        "cache_creation_input_tokens",
        "details.cache_write_tokens",
    ),
    "reasoning": ("reasoning.output_tokens", "reasoning_tokens", "details.reasoning_tokens"),
}
"""https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/; some were renamed."""
_COUNTED = "llm.token_count."
_OPENINFERENCE = {
    "input": ("prompt",),
    "output": ("completion",),
    "read": ("prompt_details.cache_read", "prompt_details.cache_input"),
    "write": ("prompt_details.cache_write",),
    "reasoning": ("completion_details.reasoning",),
}
"""https://arize-ai.github.io/openinference/spec/attributes/semantic-conventions.html"""


def fits_otel(record: Record) -> bool:
    """Whether it is a span with GenAI's attributes."""
    return is_span(record) and any(name.startswith("gen_ai.") for name in _names(record))


def fits_openinference(record: Record) -> bool:
    """Whether it is a span of OpenInference."""
    marks = ("openinference.", "llm.")
    return is_span(record) and (
        "span_kind" in record or any(n.startswith(marks) for n in _names(record))
    )


def root_of(record: Record) -> tuple[str, str] | None:
    """The trace that a span begins, and its name, unless it is the model call itself."""
    span = span_of(record)
    itself = span.first("gen_ai.operation.name") in _CALLS or _kind(span, record) == "LLM"
    return None if span.parent or itself or not span.trace else (span.trace, span.name)


def otel_call(record: Record, roots: Mapping[str, str]) -> Call | None:
    """From a span of a model call; those of agents, tools and embeddings are none."""
    span = span_of(record)
    operation = span.first("gen_ai.operation.name")
    model = span.first("gen_ai.response.model", "gen_ai.request.model")
    if model is None or (operation is not None and operation not in _CALLS):
        return None
    counts = {
        name: number(span.first(*(_USED + key for key in keys))) for name, keys in _OTEL.items()
    }
    if operation is None and not counts["input"]:
        return None
    asked = messages_of(span.first("gen_ai.input.messages"))
    reasons = decoded(span.first("gen_ai.response.finish_reasons"))
    provider = span.first("gen_ai.provider.name", "gen_ai.system")
    tier = span.first("openai.response.service_tier", "gen_ai.openai.response.service_tier")
    return _call(
        span,
        roots,
        counts,
        model=str(model),
        provider=provider_id(str(provider or "")),
        tier=str(tier or ""),
        finish_reason=reason(reasons[0] if isinstance(reasons, list) and reasons else reasons),
        max_tokens=span.first("gen_ai.request.max_tokens"),
        first_token_seconds=span.first("gen_ai.response.time_to_first_chunk"),
        session=span.first("gen_ai.conversation.id", "session.id"),
        request_type=span.first("request_type", "metadata.request_type"),
        **prompt_of(asked, counts["input"]),
    )


def openinference_call(record: Record, roots: Mapping[str, str]) -> Call | None:
    """From a span of the kind "LLM"."""
    span = span_of(record)
    model = span.first("llm.response.model_name", "llm.model_name", "llm.request.model_name")
    if _kind(span, record) != "LLM" or model is None:
        return None
    counts = {
        name: number(span.first(*(_COUNTED + key for key in keys)))
        for name, keys in _OPENINFERENCE.items()
    }
    asked: dict[int, dict[str, Any]] = {}
    for name, value in span.under("llm.input_messages.").items():
        place, _, field = name.partition(".message.")
        if place.isdigit():
            asked.setdefault(int(place), {})[field.partition(".")[0]] = value
    given = mapping(span.first("llm.invocation_parameters"))
    limits = (
        given.get(name) for name in ("max_completion_tokens", "max_tokens", "max_output_tokens")
    )
    metadata = mapping(span.first("metadata"))
    return _call(
        span,
        roots,
        counts,
        model=str(model),
        provider=provider_id(str(span.first("llm.provider", "llm.system") or "")),
        tier=str(given.get("service_tier") or ""),
        finish_reason=reason(span.first("llm.finish_reason")),
        max_tokens=next((limit for limit in limits if limit), None),
        session=span.first("session.id"),
        request_type=metadata.get("request_type") or span.first("metadata.request_type"),
        tags=tuple(map(str, span.first("tag.tags") or ())),
        **prompt_of(messages_of([asked[place] for place in sorted(asked)]), counts["input"]),
    )


def _call(
    span: Span,
    roots: Mapping[str, str],
    counts: Mapping[str, int],
    *,
    tier: str,
    request_type: object,
    **fields: Any,
) -> Call:
    """A call whose input is the total, also where an instrumentation left cached tokens out."""
    cached = counts["read"] + counts["write"]
    total = counts["input"] + (cached if cached > counts["input"] else 0)
    read = read_langchain_usage(
        {
            "input_tokens": total,
            "output_tokens": counts["output"],
            "input_token_details": {
                "cache_read": counts["read"],
                "cache_creation": counts["write"],
            },
            "output_token_details": {"reasoning": counts["reasoning"]},
        },
        fields["provider"],
    )
    if read is None or span.start is None:
        raise ValueError(f"span {span.id} has no time")
    named = request_type or roots.get(span.trace) or UNTAGGED
    return Call(
        usage=read.usage,
        classes=read.classes,
        processing=tier if tier in ("flex", "priority", "batch", "fast") else "standard",  # type: ignore[arg-type]
        measured=bool(total),
        request_type=str(named),
        id=span.id or span.trace,
        trace=span.trace,
        at=span.start,
        seconds=between(span.start, span.end),
        error=span.error,
        **kept(**fields),
    )


def _kind(span: Span, record: Record) -> str:
    return str(span.first("openinference.span.kind") or record.get("span_kind") or "").upper()


def _names(record: Record) -> list[str]:
    return list(span_of(record).attributes)
