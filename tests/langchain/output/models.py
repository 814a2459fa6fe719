"""A chat model that reports usage, takes a limit and can be cut off by it."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import OutputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import Field


class Provider(BaseChatModel):
    """Says its lines in order; a token is a word, and thinking counts against the limit."""

    lines: list[str | AIMessage]
    thought: int = 0
    heard: list[list[BaseMessage]] = Field(default_factory=list)
    options: list[dict[str, Any]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "provider"

    def _answer(self, messages: list[BaseMessage], options: dict[str, Any]) -> AIMessage:
        self.heard.append(list(messages))
        self.options.append(options)
        line = self.lines[min(len(self.heard), len(self.lines)) - 1]
        if isinstance(line, AIMessage):
            return line
        words, limit = line.split(" "), options.get("max_tokens")
        room = len(words) if limit is None else max(0, limit - self.thought)
        written = self.thought + min(room, len(words))
        usage = UsageMetadata(
            input_tokens=100,
            output_tokens=written,
            total_tokens=100 + written,
            output_token_details=OutputTokenDetails(reasoning=self.thought),
        )
        cut = len(words) > room
        return AIMessage(
            " ".join(words[:room]),
            usage_metadata=usage,
            response_metadata={"model_name": "m", "finish_reason": "length" if cut else "stop"},
        )

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages, kwargs))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        whole = self._answer(messages, kwargs)
        for word in str(whole.text).split(" "):
            yield ChatGenerationChunk(message=AIMessageChunk(content=f"{word} "))
        last = AIMessageChunk(
            content="",
            usage_metadata=whole.usage_metadata,
            response_metadata=whole.response_metadata,
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=last)

    def bind_tools(
        self, tools: Sequence[Any], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        return self.bind(**kwargs)


class Native(Provider):
    """Also takes a schema of its own accord, as OpenAI's models do."""

    asked: list[dict[str, Any]] = Field(default_factory=list)

    def with_structured_output(
        self, schema: Any, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        self.asked.append({"schema": schema, **kwargs})
        assert include_raw
        return self | RunnableLambda(
            lambda message: {"raw": message, "parsed": None, "parsing_error": ValueError("odd")}
        )


async def invoked(runnable: Runnable[Any, Any], given: Any, how: str, config: Any = None) -> Any:
    """In one of the ways that LangChain has."""
    if how == "sync":
        return await asyncio.to_thread(runnable.invoke, given, config)
    return await runnable.ainvoke(given, config)
