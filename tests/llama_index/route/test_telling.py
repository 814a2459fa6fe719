"""Usage and endings in the words of many providers."""

from types import SimpleNamespace
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse

from llama_index_ragthrift.route.telling import Telling
from llama_index_ragthrift.route.usage import usage_of
from ragthrift import Usage

OPENAI = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 64},
}
RESPONSES = {
    "input_tokens": 100,
    "output_tokens": 20,
    "input_tokens_details": {"cached_tokens": 64},
}
ANTHROPIC = {
    "input_tokens": 26,
    "output_tokens": 20,
    "cache_read_input_tokens": 64,
    "cache_creation_input_tokens": 10,
}
GOOGLE = {
    "prompt_token_count": 100,
    "candidates_token_count": 15,
    "thoughts_token_count": 5,
    "cached_content_token_count": 64,
}
BEDROCK = {
    "inputTokens": 26,
    "outputTokens": 20,
    "cacheReadInputTokens": 64,
    "cacheWriteInputTokens": 10,
}
READ = Usage(100, 20, 64)


def said(raw: Any = None, **known: Any) -> ChatResponse:
    return ChatResponse(message=ChatMessage("At nine."), raw=raw, additional_kwargs=known)


@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        ({"usage": OPENAI}, READ),
        (SimpleNamespace(usage=SimpleNamespace(**OPENAI)), READ),
        ({"usage": RESPONSES}, READ),
        ({"usage": ANTHROPIC}, Usage(100, 20, 64, 10)),
        ({"message": SimpleNamespace(usage=ANTHROPIC)}, Usage(100, 20, 64, 10)),
        ({"usage_metadata": GOOGLE}, READ),
        ({"usage": BEDROCK}, Usage(100, 20, 64, 10)),
        ({"usage": OPENAI | {"cache_read_input_tokens": 64}}, READ),
        ({"prompt_eval_count": 100, "eval_count": 20}, Usage(100, 20)),
        ({"usage": OPENAI | {"prompt_tokens": 50}}, Usage(50, 20, 50)),
        ({"usage": {"prompt_tokens": 0, "completion_tokens": 0}}, None),
        ({"usage": None}, None),
        (None, None),
        ("text", None),
    ],
)
def test_usage_is_read_where_providers_put_it(raw: Any, usage: Usage | None) -> None:
    assert usage_of(said(raw)) == usage
    assert usage_of(CompletionResponse(text="At nine.", raw=raw)) == usage


def test_usage_may_stand_beside_the_raw_response() -> None:
    assert usage_of(said(prompt_tokens=100, completion_tokens=20)) == Usage(100, 20)


def test_the_pieces_of_a_stream_are_told_together() -> None:
    telling = Telling()
    telling.hear(said({"message": {"usage": ANTHROPIC | {"output_tokens": 1}}}))
    telling.hear(said({"finish_reason": "max_tokens"}))
    telling.hear(said({"usage": {"output_tokens": 20}}))
    telling.hear(said())
    assert telling.usage == Usage(100, 20, 64, 10)
    assert telling.finish_reason == "length"
    assert Telling().usage is None
    assert Telling().finish_reason == "stop"
