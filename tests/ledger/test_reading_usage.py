"""Usage as providers write it, read into one form."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from ragthrift.ledger.reading_usage import oddities, read_langchain_usage, read_usage
from ragthrift.usage import Usage

OPENAI_CHAT = {
    "prompt_tokens": 2000,
    "completion_tokens": 300,
    "total_tokens": 2300,
    "prompt_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 500, "audio_tokens": 40},
    "completion_tokens_details": {"reasoning_tokens": 128, "audio_tokens": 20},
}
OPENAI_RESPONSES = {
    "input_tokens": 2000,
    "input_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 500},
    "output_tokens": 300,
    "output_tokens_details": {"reasoning_tokens": 128},
    "total_tokens": 2300,
}
ANTHROPIC = {
    "input_tokens": 50,
    "cache_read_input_tokens": 3000,
    "cache_creation_input_tokens": 2000,
    "cache_creation": {"ephemeral_5m_input_tokens": 500, "ephemeral_1h_input_tokens": 1500},
    "output_tokens": 80,
    "output_tokens_details": {"thinking_tokens": 30},
    "server_tool_use": {"web_search_requests": 2},
}
GEMINI = {
    "promptTokenCount": 5000,
    "cachedContentTokenCount": 4096,
    "candidatesTokenCount": 200,
    "thoughtsTokenCount": 700,
    "toolUsePromptTokenCount": 60,
    "totalTokenCount": 5960,
    "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 4000},
        {"modality": "AUDIO", "tokenCount": 1000},
    ],
    "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 900}],
}
CONVERSE = {
    "inputTokens": 50,
    "outputTokens": 80,
    "cacheReadInputTokens": 3000,
    "cacheWriteInputTokens": 2000,
    "totalTokens": 5130,
}


def test_openai_counts_cached_tokens_inside_the_prompt() -> None:
    read = read_usage(OPENAI_CHAT, "openai")
    assert read is not None
    assert read.usage == Usage(2000, 300, cache_read_tokens=1024, cache_write_tokens=500)
    assert read.classes == {
        "input_audio_tokens": 40,
        "output_audio_tokens": 20,
        "output_reasoning_tokens": 128,
    }
    again = read_usage(OPENAI_RESPONSES, "openai")
    assert again is not None
    assert (again.usage, dict(again.classes)) == (read.usage, {"output_reasoning_tokens": 128})


def test_a_response_tells_its_tier_and_its_searches() -> None:
    response = {
        "object": "response",
        "service_tier": "flex",
        "output": [{"type": "web_search_call"}, {"type": "message"}, {"type": "web_search_call"}],
        "usage": OPENAI_RESPONSES,
    }
    read = read_usage(response, "openai")
    assert read is not None
    assert (read.processing, read.classes["web_searches"]) == ("flex", 2)
    assert read_usage({"service_tier": "default", "usage": OPENAI_CHAT}).processing == "standard"  # type: ignore[union-attr]


def test_anthropic_counts_cached_tokens_beside_the_input() -> None:
    read = read_usage(ANTHROPIC, "anthropic")
    assert read is not None
    assert read.usage == Usage(5050, 80, cache_read_tokens=3000, cache_write_tokens=2000)
    assert read.classes == {
        "cache_write_1h_tokens": 1500,
        "output_reasoning_tokens": 30,
        "web_searches": 2,
    }
    split_only = {**ANTHROPIC, "cache_creation_input_tokens": 0}
    assert read_usage(split_only).usage == read.usage  # type: ignore[union-attr]
    batch = read_usage({**ANTHROPIC, "service_tier": "batch"})
    fast = read_usage({**ANTHROPIC, "service_tier": "standard", "speed": "fast"})
    assert (batch.processing, fast.processing) == ("batch", "fast")  # type: ignore[union-attr]


def test_anthropic_leaves_compaction_out_of_its_totals() -> None:
    passes = [
        {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3500},
        {"type": "message", "input_tokens": 23_000, "output_tokens": 1000},
    ]
    used = {"input_tokens": 23_000, "output_tokens": 1000, "iterations": passes}
    assert read_usage(used, "anthropic").usage == Usage(203_000, 4500)  # type: ignore[union-attr]


def test_gemini_counts_thoughts_and_tool_results_apart() -> None:
    snake = {
        "prompt_token_count": 5000,
        "cached_content_token_count": 4096,
        "candidates_token_count": 200,
        "thoughts_token_count": 700,
        "tool_use_prompt_token_count": 60,
        "prompt_tokens_details": [
            SimpleNamespace(modality=SimpleNamespace(value="AUDIO"), token_count=1000)
        ],
        "cache_tokens_details": [SimpleNamespace(modality="AUDIO", token_count=900)],
    }
    for used in ({"usageMetadata": GEMINI}, GEMINI, snake, SimpleNamespace(**snake)):
        read = read_usage(used, "google")
        assert read is not None
        assert read.usage == Usage(5060, 900, cache_read_tokens=4096)
        assert read.classes == {
            "output_reasoning_tokens": 700,
            "input_audio_tokens": 1000,
            "cache_audio_read_tokens": 900,
        }
    flex = read_usage({**GEMINI, "trafficType": "ON_DEMAND_FLEX"}, "google")
    assert flex is not None
    assert flex.processing == "flex"


def test_converse_counts_cached_tokens_beside_the_input() -> None:
    details = [{"ttl": "1h", "inputTokens": 1500}, {"ttl": "5m", "inputTokens": 500}]
    read = read_usage({**CONVERSE, "cacheDetails": details}, "aws")
    assert read is not None
    assert read.usage == Usage(5050, 80, cache_read_tokens=3000, cache_write_tokens=2000)
    assert read.classes == {"cache_write_1h_tokens": 1500}


def test_reasoning_outside_the_completion_is_output() -> None:
    grok = {
        "prompt_tokens": 100,
        "completion_tokens": 10,
        "completion_tokens_details": {"reasoning_tokens": 90},
    }
    for used in (grok, {**grok, "total_tokens": 200}):
        assert read_usage(used, "x-ai").usage == Usage(100, 100)  # type: ignore[union-attr]
    assert read_usage({**grok, "completion_tokens": 100, "total_tokens": 200}).usage == Usage(  # type: ignore[union-attr]
        100, 100
    )


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        ({"prompt_tokens": 90, "completion_tokens": 9}, Usage(90, 9)),
        (
            {"prompt_tokens": 90, "completion_tokens": 9, "prompt_cache_hit_tokens": 64},
            Usage(90, 9, 64),
        ),
        (
            {
                "usage": {"prompt_tokens": 90, "completion_tokens": 9},
                "timings": {"prompt_n": 10, "cache_n": 80},
            },
            Usage(90, 9, 80),
        ),
        ({"prompt_eval_count": 90, "eval_count": 9}, Usage(90, 9)),
        ({"usage": {"billed_units": {"input_tokens": 90.0, "output_tokens": 9.0}}}, Usage(90, 9)),
        ({"input_tokens": 90, "output_tokens": 9}, Usage(90, 9)),
    ],
    ids=["vllm", "deepseek", "llama.cpp", "ollama", "cohere", "responses"],
)
def test_other_forms(used: dict[str, Any], expected: Usage) -> None:
    read = read_usage(used)
    assert read is not None
    assert read.usage == expected


@pytest.mark.parametrize(
    "used",
    [{}, None, "usage", {"usage": None}, {"usage": {}}, {"choices": [1]}, [], 7],
    ids=str,
)
def test_what_counts_nothing_is_none(used: object) -> None:
    assert read_usage(used, "openai") is None
    assert read_langchain_usage(used) is None


def test_what_nobody_knows_is_passed_over() -> None:
    odd: dict[str, Any] = {
        "prompt_tokens": 10,
        "completion_tokens": None,
        "prompt_tokens_details": 7,
        "new": {},
    }
    assert read_usage(odd).usage == Usage(10, 0)  # type: ignore[union-attr]


def test_impossible_counts_are_cut_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    before = oddities.counts().get("impossible", 0)
    impossible = {
        "prompt_tokens": 100,
        "completion_tokens": -5,
        "prompt_tokens_details": {"cached_tokens": 80, "cache_write_tokens": 80},
        "completion_tokens_details": {"reasoning_tokens": 7},
    }
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            read = read_usage(impossible, "openai")
            assert read is not None
            assert read.usage == Usage(100, 0, 80, 20)
            assert read.classes == {}
    assert oddities.counts()["impossible"] == before + 3
    assert len(caplog.records) == (before == 0)


def test_langchain_splits_the_writes_of_anthropic() -> None:
    read = read_langchain_usage(
        {
            "input_tokens": 5050,
            "output_tokens": 80,
            "total_tokens": 5130,
            "input_token_details": {
                "cache_read": 3000,
                "cache_creation": 0,
                "ephemeral_5m_input_tokens": 500,
                "ephemeral_1h_input_tokens": 1500,
            },
            "output_token_details": {"reasoning": 30},
        },
        "anthropic",
    )
    assert read == read_usage({**ANTHROPIC, "server_tool_use": None}, "anthropic")


def test_langchain_puts_the_tier_before_its_keys() -> None:
    read = read_langchain_usage(
        {
            "input_tokens": 2000,
            "output_tokens": 300,
            "input_token_details": {
                "audio": 40,
                "priority_cache_read": 1024,
                "priority_cache_creation": 500,
                "priority": 976,
            },
            "output_token_details": {"audio": 20, "priority_reasoning": 128, "priority": 172},
        },
        "openai",
    )
    plain = read_usage({**OPENAI_CHAT, "service_tier": "priority"}, "openai")
    assert read == plain
    assert read is not None
    assert read.processing == "priority"


@pytest.mark.parametrize(
    ("response", "provider", "flavor"),
    [
        ({"model": "gpt-5-mini", "usage": OPENAI_CHAT}, "openai", "chat"),
        ({"model": "gpt-5-mini", "usage": OPENAI_RESPONSES}, "openai", "responses"),
        ({"model": "claude-sonnet-4-5", "usage": ANTHROPIC}, "anthropic", "default"),
        ({"modelVersion": "gemini-2.5-pro", "usageMetadata": GEMINI}, "google", "default"),
        ({"model": "amazon.nova-pro-v1:0", "usage": CONVERSE}, "aws", "default"),
    ],
    ids=["openai", "responses", "anthropic", "gemini", "converse"],
)
def test_genai_prices_reads_the_same(response: dict[str, Any], provider: str, flavor: str) -> None:
    genai_prices = pytest.importorskip("genai_prices")
    theirs = genai_prices.extract_usage(response, provider_id=provider, api_flavor=flavor).usage
    ours = read_usage(response, provider)
    assert ours is not None
    counted = {
        "input_tokens": ours.usage.input_tokens,
        "output_tokens": ours.usage.output_tokens,
        "cache_read_tokens": ours.usage.cache_read_tokens,
        "cache_write_tokens": ours.usage.cache_write_tokens,
        **ours.classes,
    }
    assert counted == {name: getattr(theirs, name) for name in counted}
