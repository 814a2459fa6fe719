"""Markers of each provider; setting them twice is setting them once."""

from typing import Any

import pytest

from ragthrift.provider_cache import (
    call_markers,
    rules_for,
    with_cache_markers,
    without_cache_markers,
)

BLOCKS: list[dict[str, Any]] = [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
BEDROCK = "anthropic.claude-sonnet-4-5-20250929-v1:0"


@pytest.mark.parametrize(
    ("model", "lifetime", "sent"),
    [
        ("claude-sonnet-4-5", "", [{**BLOCKS[0], "cache_control": {"type": "ephemeral"}}]),
        (
            "claude-sonnet-4-5",
            "1h",
            [{**BLOCKS[0], "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        ),
        ("gpt-6.1-terra", "", [{**BLOCKS[0], "prompt_cache_breakpoint": {"mode": "explicit"}}]),
        (BEDROCK, "", [BLOCKS[0], {"cachePoint": {"type": "default"}}]),
        (BEDROCK, "1h", [BLOCKS[0], {"cachePoint": {"type": "default", "ttl": "1h"}}]),
        ("gpt-5-mini", "", BLOCKS[:1]),
        ("gemini-3.8-flash", "", BLOCKS[:1]),
    ],
)
def test_each_provider_s(model: str, lifetime: str, sent: list[dict[str, Any]]) -> None:
    rules = rules_for(model)
    once = with_cache_markers(BLOCKS, [0], rules, lifetime)
    assert once == [*sent, BLOCKS[1]]
    assert BLOCKS[0] == {"type": "text", "text": "A"}
    assert without_cache_markers(once) == BLOCKS
    places = [0]
    assert with_cache_markers(without_cache_markers(once), places, rules, lifetime) == once


def test_another_provider_s_markers_are_replaced() -> None:
    marked = with_cache_markers(BLOCKS, [0, 1], rules_for("claude-sonnet-4-5"))
    again = with_cache_markers(marked, [1], rules_for("gpt-5.6-sol"))
    assert again == [BLOCKS[0], {**BLOCKS[1], "prompt_cache_breakpoint": {"mode": "explicit"}}]
    assert with_cache_markers(marked, [0], rules_for("any", "vllm")) == BLOCKS


def test_arguments_of_the_call() -> None:
    explicit = {"mode": "explicit", "ttl": "30m"}
    assert call_markers(rules_for("gpt-5.6-sol"), key="faq") == {
        "prompt_cache_options": explicit,
        "prompt_cache_key": "faq",
    }
    assert call_markers(rules_for("gpt-5-mini"), key="faq") == {"prompt_cache_key": "faq"}
    for model in ("claude-sonnet-4-5", "gemini-3.8-flash", BEDROCK):
        assert call_markers(rules_for(model), key="faq") == {}
