"""LLMs that hand on what providers tell, and a ledger in memory."""

from typing import Any

from anthropic.types import CacheCreation, MessageDeltaUsage, Usage
from llama_index.core.base.llms.types import ChatResponse, ChatResponseGen
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion
from openai.types.completion_usage import CompletionTokensDetails, PromptTokensDetails

from ragthrift.ledger import Call
from tests.llama_index.route.llms import Says, Scripted


def openai_raw() -> ChatCompletion:
    """The SDK's own object."""
    return ChatCompletion(
        id="c",
        choices=[],
        created=0,
        model="gpt-5-mini-2025-08-07",
        object="chat.completion",
        service_tier="flex",
        usage=CompletionUsage(
            prompt_tokens=1200,
            completion_tokens=340,
            total_tokens=1540,
            prompt_tokens_details=PromptTokensDetails(cached_tokens=1024),
            completion_tokens_details=CompletionTokensDetails(reasoning_tokens=256),
        ),
    )


def anthropic_raw() -> dict[str, Any]:
    """A dict of the SDK's objects, as llama-index-llms-anthropic makes it."""
    usage = Usage(
        input_tokens=50,
        output_tokens=80,
        cache_read_input_tokens=3000,
        cache_creation_input_tokens=2000,
        cache_creation=CacheCreation(ephemeral_5m_input_tokens=500, ephemeral_1h_input_tokens=1500),
    )
    return {"model": "claude-sonnet-4-5", "stop_reason": "max_tokens", "usage": usage}


def gemini_raw() -> dict[str, Any]:
    return {
        "model_version": "gemini-2.5-flash",
        "usage_metadata": {
            "prompt_token_count": 900,
            "cached_content_token_count": 600,
            "candidates_token_count": 60,
            "thoughts_token_count": 150,
            "total_token_count": 1110,
        },
    }


class Kept:
    """A ledger in memory."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def record(self, call: Call) -> None:
        self.calls.append(call)

    @property
    def only(self) -> Call:
        assert len(self.calls) == 1, [call.model for call in self.calls]
        return self.calls[0]


class Broken:
    """A ledger that cannot be written."""

    def record(self, call: Call) -> None:
        raise OSError("no space left on device")


class Billing(Scripted):
    """Answers with one provider's raw object; in a stream it comes with the last piece."""

    raw: Any = None
    of: str = "openai_llm"
    max_tokens: int | None = None

    def __init__(self, *says: Says, **fields: Any) -> None:
        super().__init__(*says, **fields)

    def to_payload(self) -> dict[str, Any]:
        return {**super().to_payload(), "class_name": self.of}

    def _raw(self, said: Any) -> Any:
        return self.raw


class TwoPartUsage(Billing):
    """A stream that tells its input first and its output last, as Anthropic's does."""

    def __init__(self, *says: Says, **fields: Any) -> None:
        super().__init__(*says, **fields)

    def _pieces(self, said: Any) -> ChatResponseGen:
        pieces = list(super()._pieces(said))
        usage = self.raw["usage"]
        begins = usage.model_copy(update={"output_tokens": 1})
        ends = MessageDeltaUsage(output_tokens=usage.output_tokens, input_tokens=usage.input_tokens)
        raws: list[Any] = [{"type": "content"} for _ in pieces]
        raws[0], raws[-1] = {"message": {"usage": begins}}, {"usage": ends}
        for piece, raw in zip(pieces, raws, strict=True):
            yield ChatResponse(message=piece.message, delta=piece.delta, raw=raw)
