"""Small exports of other tools, written by hand after their documentation."""

import json
from typing import Any

START, END = "2026-11-10T15:00:00Z", "2026-11-10T15:00:02.5Z"
NANO, NANO_END = "1794322800000000000", "1794322802500000000"
ASKED = [
    {"role": "system", "content": "Answer briefly from the notes."},
    {"role": "user", "content": "When is soup served on Monday?"},
]


def _typed(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [_typed(one) for one in value]}}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"stringValue": value}


def otlp(spans: list[dict[str, Any]]) -> dict[str, Any]:
    """As the collector's file exporter writes a batch."""
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": spans}]}]}


def span(name: str, number: str, parent: str = "", **attributes: Any) -> dict[str, Any]:
    return {
        "traceId": "7a" * 16,
        "spanId": number,
        "parentSpanId": parent,
        "name": name,
        "startTimeUnixNano": NANO,
        "endTimeUnixNano": NANO_END,
        "attributes": [
            {"key": key.replace("__", "."), "value": _typed(value)}
            for key, value in attributes.items()
        ],
        "status": {},
    }


CHAT: dict[str, Any] = {
    "gen_ai__operation__name": "chat",
    "gen_ai__request__model": "claude-haiku-4-5",
    "gen_ai__request__max_tokens": 400,
    "gen_ai__response__finish_reasons": ["max_tokens"],
    "gen_ai__usage__output_tokens": 80,
}
OTEL = otlp(
    [
        span("answer_question", "01"),
        span(
            "chat claude-haiku-4-5",
            "02",
            "01",
            **CHAT,
            gen_ai__provider__name="anthropic",
            gen_ai__usage__input_tokens=5050,
            gen_ai__usage__cache_read__input_tokens=3000,
            gen_ai__usage__cache_creation__input_tokens=2000,
            gen_ai__input__messages=json.dumps(
                [
                    {"role": one["role"], "parts": [{"type": "text", "content": one["content"]}]}
                    for one in ASKED
                ]
            ),
        ),
        span(
            "chat claude-haiku-4-5",
            "03",
            "01",
            **CHAT,
            gen_ai__system="anthropic",
            gen_ai__usage__input_tokens=50,  # an instrumentation that leaves cached tokens out
            gen_ai__usage__cache_read_input_tokens=3000,
            gen_ai__usage__cache_write__input_tokens=2000,
        ),
        span(
            "openai.chat",
            "04",
            "01",
            gen_ai__system="OpenAI",
            gen_ai__response__model="gpt-5-mini",
            gen_ai__usage__prompt_tokens=900,
            gen_ai__usage__completion_tokens=60,
            gen_ai__usage__reasoning__output_tokens=20,
            openai__response__service_tier="flex",
        ),
        span(
            "invoke_agent",
            "05",
            gen_ai__operation__name="invoke_agent",
            gen_ai__request__model="gpt-5-mini",
            gen_ai__usage__input_tokens=900,
        ),
        span("embeddings", "06", gen_ai__operation__name="embeddings", gen_ai__request__model="e"),
    ]
)
PYTHON_SPAN = {
    "name": "chat gpt-5-mini",
    "context": {"trace_id": "0x7b", "span_id": "0x07", "trace_state": "[]"},
    "parent_id": None,
    "start_time": START,
    "end_time": END,
    "status": {"status_code": "ERROR", "description": "late"},
    "attributes": {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.usage.input_tokens": 10,
        "error.type": "TimeoutError",
    },
}
"""One line of `ReadableSpan.to_json()`."""

OPENINFERENCE: list[dict[str, Any]] = [
    {
        "name": "RetrievalQA",
        "context": {"trace_id": "t1", "span_id": "s1"},
        "span_kind": "CHAIN",
        "parent_id": None,
        "start_time": START,
        "end_time": END,
        "attributes": {"openinference": {"span": {"kind": "CHAIN"}}},
    },
    {
        "name": "ChatAnthropic",
        "context": {"trace_id": "t1", "span_id": "s2"},
        "span_kind": "LLM",
        "parent_id": "s1",
        "start_time": START,
        "end_time": END,
        "status_code": "OK",
        "attributes": {
            "openinference": {"span": {"kind": "LLM"}},
            "llm": {
                "model_name": "claude-haiku-4-5",
                "provider": "anthropic",
                "invocation_parameters": '{"max_tokens": 400}',
                "token_count": {
                    "prompt": 5050,
                    "completion": 80,
                    "prompt_details": {"cache_read": 3000, "cache_write": 2000},
                    "completion_details": {"reasoning": 30},
                },
                "input_messages": [{"message": one} for one in ASKED],
            },
            "session": {"id": "ann"},
            "metadata": '{"tenant": "acme"}',
        },
    },
]
LANGSMITH: list[dict[str, Any]] = [
    {
        "id": "r1",
        "trace_id": "r1",
        "name": "faq_chain",
        "run_type": "chain",
        "start_time": START,
        "end_time": END,
        "parent_run_id": None,
    },
    {
        "id": "r2",
        "trace_id": "r1",
        "name": "ChatAnthropic",
        "run_type": "llm",
        "parent_run_id": "r1",
        "start_time": START,
        "end_time": END,
        "first_token_time": "2026-11-10T15:00:00.5",
        "tags": ["eu"],
        "extra": {
            "metadata": {
                "ls_provider": "anthropic",
                "ls_model_name": "claude-haiku-4-5",
                "ls_max_tokens": 400,
                "thread_id": "ann",
            }
        },
        "inputs": {
            "messages": [
                [
                    {
                        "lc": 1,
                        "type": "constructor",
                        "id": ["langchain", "schema", "messages", kind],
                        "kwargs": {"content": one["content"]},
                    }
                    for kind, one in zip(("SystemMessage", "HumanMessage"), ASKED, strict=True)
                ]
            ]
        },
        "outputs": {
            "generations": [
                [
                    {
                        "message": {
                            "kwargs": {
                                "usage_metadata": {
                                    "input_tokens": 5050,
                                    "output_tokens": 80,
                                    "total_tokens": 5130,
                                    "input_token_details": {
                                        "cache_read": 3000,
                                        "cache_creation": 0,
                                        "ephemeral_1h_input_tokens": 2000,
                                    },
                                },
                                "response_metadata": {"stop_reason": "max_tokens"},
                            }
                        }
                    }
                ]
            ]
        },
    },
    {
        "id": "r3",
        "trace_id": "r3",
        "name": "ChatOpenAI",
        "run_type": "llm",
        "parent_run_id": None,
        "start_time": START,
        "end_time": END,
        "prompt_tokens": 900,
        "completion_tokens": 60,
        "prompt_token_details": {"cache_read": 640},
        "error": "RateLimitError('429')",
        "extra": {
            "invocation_params": {"model": "gpt-5-mini"},
            "metadata": {"ls_provider": "openai", "request_type": "search"},
        },
    },
]
LANGFUSE: list[dict[str, Any]] = [
    {"id": "o0", "traceId": "t1", "type": "SPAN", "name": "faq", "startTime": START},
    {
        "id": "o1",
        "traceId": "t1",
        "type": "GENERATION",
        "name": "ChatAnthropic",
        "parentObservationId": "o0",
        "model": "claude-haiku-4-5",
        "modelParameters": {"max_tokens": "400"},
        "startTime": START,
        "endTime": END,
        "completionStartTime": "2026-11-10T15:00:00.500Z",
        "usageDetails": {
            "input": 50,
            "input_cache_read": 3000,
            "input_cache_creation": 2000,
            "output": 50,
            "output_reasoning": 30,
            "total": 5130,
        },
        "input": ASKED,
    },
    {
        "id": "o2",
        "trace_id": "t2",
        "type": "GENERATION",
        "provided_model_name": "gpt-5-mini",
        "start_time": START,
        "usage_details": '{"input": 900, "output": 60, "total": 960, "input_cached_tokens": 640}',
        "level": "ERROR",
        "status_message": "RateLimitError: 429",
    },
]
LITELLM: list[dict[str, Any]] = [
    {
        "request_id": "q1",
        "call_type": "acompletion",
        "model": "anthropic/claude-haiku-4-5",
        "custom_llm_provider": "anthropic",
        "model_group": "small",
        "startTime": START,
        "endTime": END,
        "completionStartTime": "2026-11-10T15:00:00.500Z",
        "prompt_tokens": 5050,
        "completion_tokens": 80,
        "total_tokens": 5130,
        "cache_hit": "False",
        "request_tags": '["faq"]',
        "metadata": json.dumps(
            {
                "usage_object": {
                    "prompt_tokens": 5050,
                    "completion_tokens": 80,
                    "cache_read_input_tokens": 3000,
                    "cache_creation_input_tokens": 2000,
                    "prompt_tokens_details": {
                        "cached_tokens": 3000,
                        "cache_creation_token_details": {"ephemeral_1h_input_tokens": 2000},
                    },
                }
            }
        ),
    },
    {
        "request_id": "q2",
        "call_type": "acompletion",
        "model": "gpt-5-mini",
        "custom_llm_provider": "openai",
        "startTime": START,
        "endTime": END,
        "prompt_tokens": 900,
        "completion_tokens": 60,
        "cache_hit": "True",
        "status": "success",
        "metadata": "{}",
    },
    {
        "request_id": "q3",
        "call_type": "aembedding",
        "model": "text-embedding-3-small",
        "startTime": START,
        "endTime": END,
        "prompt_tokens": 10,
    },
]
