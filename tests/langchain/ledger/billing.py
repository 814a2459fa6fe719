"""Chat models that tell usage as LangChain's integrations do, and a ledger in memory."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import Field, PrivateAttr

from ragthrift.ledger import Call

OPENAI: dict[str, Any] = {
    "provider": "openai",
    "model": "gpt-5-mini-2025-08-07",
    "told": {"finish_reason": "stop", "model_name": "gpt-5-mini-2025-08-07"},
    "usage": {
        "input_tokens": 1200,
        "output_tokens": 340,
        "total_tokens": 1540,
        "input_token_details": {"cache_read": 1024, "audio": 0},
        "output_token_details": {"reasoning": 256, "audio": 0},
    },
}
FLEX: dict[str, Any] = {
    **OPENAI,
    "usage": {
        "input_tokens": 1200,
        "output_tokens": 340,
        "total_tokens": 1540,
        "input_token_details": {"flex": 176, "flex_cache_read": 1024},
        "output_token_details": {"flex": 84, "flex_reasoning": 256},
    },
}
ANTHROPIC: dict[str, Any] = {
    "provider": "anthropic",
    "model": "claude-sonnet-4-5-20250929",
    "told": {
        "stop_reason": "max_tokens",
        "model_name": "claude-sonnet-4-5-20250929",
        "model_provider": "anthropic",
        "usage": {
            "input_tokens": 50,
            "cache_read_input_tokens": 3000,
            "cache_creation_input_tokens": 2000,
            "cache_creation": {"ephemeral_5m_input_tokens": 500, "ephemeral_1h_input_tokens": 1500},
            "output_tokens": 80,
            "server_tool_use": {"web_search_requests": 2},
        },
    },
    "usage": {
        "input_tokens": 5050,
        "output_tokens": 80,
        "total_tokens": 5130,
        "input_token_details": {
            "cache_read": 3000,
            "cache_creation": 0,
            "ephemeral_5m_input_tokens": 500,
            "ephemeral_1h_input_tokens": 1500,
        },
    },
}
GEMINI: dict[str, Any] = {
    "provider": "google_genai",
    "model": "gemini-2.5-flash",
    "told": {"finish_reason": "STOP", "model_name": "gemini-2.5-flash"},
    "usage": {
        "input_tokens": 900,
        "output_tokens": 210,
        "total_tokens": 1110,
        "input_token_details": {"cache_read": 600},
        "output_token_details": {"reasoning": 150},
    },
}


class Kept:
    """A ledger in memory."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._lock = threading.Lock()

    def record(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)

    @property
    def only(self) -> Call:
        assert len(self.calls) == 1, [call.request_type for call in self.calls]
        return self.calls[0]


class Broken:
    """A ledger that cannot be written."""

    def record(self, call: Call) -> None:
        raise OSError("no space left on device")


class BillingModel(BaseChatModel):
    """Says its lines in turn, with the usage of `billed`."""

    lines: list[Any] = Field(default_factory=lambda: ["At noon."])
    billed: dict[str, Any] = Field(default_factory=lambda: OPENAI)
    candidates: int = 1
    max_tokens: int | None = None
    tells: bool = True
    """Whether a stream ends with usage."""
    fails_after: int | None = None
    """Words of a stream that come before an error; 0 fails any call."""
    heard: list[list[BaseMessage]] = Field(default_factory=list)
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @property
    def _llm_type(self) -> str:
        return "billing"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.billed["model"]}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        told = {"ls_provider": self.billed["provider"], "ls_model_name": "an-alias"}
        return LangSmithParams(**{**params, **told})  # type: ignore[typeddict-item]

    def _line(self, messages: list[BaseMessage]) -> AIMessage:
        with self._lock:
            self.heard.append(list(messages))
            line = self.lines[(len(self.heard) - 1) % len(self.lines)]
        message = line if isinstance(line, AIMessage) else AIMessage(line)
        update = {
            "usage_metadata": dict(self.billed["usage"]),
            "response_metadata": dict(self.billed["told"]),
        }
        return message.model_copy(update=update)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        if self.fails_after == 0:
            raise TimeoutError("no answer")
        said = [self._line(messages) for _ in range(self.candidates)]
        return ChatResult(generations=[ChatGeneration(message=one) for one in said])

    def bind_tools(
        self, tools: Sequence[Any], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        schemas = [{"type": "function", "function": {"name": tool.name}} for tool in tools]
        return self.bind(tools=schemas, **kwargs)


class StreamingModel(BillingModel):
    """Streams its line word by word; usage comes last."""

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        whole = self._line(messages)
        for at, word in enumerate(str(whole.text).split(" ")):
            if at == self.fails_after:
                raise ConnectionError("the line went dead")
            text = word if at == 0 else f" {word}"
            yield ChatGenerationChunk(message=AIMessageChunk(content=text))
        usage = whole.usage_metadata if self.tells else None
        last = AIMessageChunk(
            content="", usage_metadata=usage, response_metadata=whole.response_metadata
        )
        yield ChatGenerationChunk(message=last)
