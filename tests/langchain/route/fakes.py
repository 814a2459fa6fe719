"""Chat models that follow a script, call tools by their schemas, and fail when told to."""

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field, PrivateAttr

from langchain_ragthrift import RouterChatModel, tiers_of
from ragthrift import Price
from ragthrift.route import Router

EASY = "When does the canteen open?"
HARD = (
    "Compare the prices of this week with those of the last, say which dishes became dearer and by "
    "how much, and prove that the average rose by less than two percent.\n```python\nx = 1\n```"
)
PRICES = {"cheap": Price(0.1, 0.4), "strong": Price(3.0, 15.0)}
USAGE = {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}


class LimitError(Exception):
    """A provider that wants fewer calls."""

    status_code = 429


class Speaker(BaseChatModel):
    """Says `says`; with tools it calls the first, until a tool has answered."""

    name_of_model: str = "speaker"
    provider: str = "speaker-chat"
    says: Any = "At nine, sharp."
    """A text or message, or a function of the prompt; of a list one after another, the last for
    ever; an error is raised."""
    cut_after: int | None = None
    """How many words of a stream come before it breaks."""
    calls_tools: bool = True
    fixed_profile: dict[str, Any] | None = None
    heard: list[tuple[list[BaseMessage], dict[str, Any]]] = Field(default_factory=list)
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    @property
    def calls(self) -> int:
        return len(self.heard)

    @property
    def _llm_type(self) -> str:
        return self.provider

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"model": self.name_of_model}

    def _resolve_model_profile(self) -> ModelProfile | None:
        return ModelProfile(**self.fixed_profile) if self.fixed_profile else None  # type: ignore[typeddict-item]

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        return {**super()._get_ls_params(stop, **kwargs), "ls_model_name": self.name_of_model}

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        forms = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=forms, tool_choice=tool_choice, **kwargs)

    def _message(self, messages: list[BaseMessage], kwargs: dict[str, Any]) -> AIMessage:
        with self._lock:
            self.heard.append((list(messages), kwargs))
            number = len(self.heard)
        said: Any = self.says
        if isinstance(said, list):
            said = said[min(number, len(said)) - 1]
        elif callable(said):
            said = said(messages)
        if isinstance(said, Exception):
            raise said
        tools = kwargs.get("tools") if self.calls_tools else None
        if isinstance(said, str) and tools and not isinstance(messages[-1], ToolMessage):
            said = AIMessage("", tool_calls=[_call(tools[0], messages)])
        message = AIMessage(said) if isinstance(said, str) else said
        known = {"model_name": self.name_of_model, "finish_reason": "stop"}
        update = {"usage_metadata": USAGE, "response_metadata": known, "id": None}
        return message.model_copy(update=update)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._message(messages, kwargs))])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        await asyncio.sleep(0)
        return self._generate(messages, stop, **kwargs)

    def _chunks(
        self, messages: list[BaseMessage], kwargs: dict[str, Any]
    ) -> Iterator[ChatGenerationChunk]:
        message = self._message(messages, kwargs)
        yield ChatGenerationChunk(message=AIMessageChunk(content=""))
        words = re.findall(r"\S+\s*", str(message.text))
        for place, word in enumerate(words):
            if place == self.cut_after:
                raise ConnectionError("the line broke")
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))
        calls: list[Any] = [
            {"name": c["name"], "args": json.dumps(c["args"]), "id": c["id"], "index": n}
            for n, c in enumerate(message.tool_calls)
        ]
        if calls:
            yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=calls))
        last = AIMessageChunk(
            content="",
            usage_metadata=message.usage_metadata,
            response_metadata=message.response_metadata,
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=last)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in self._chunks(messages, kwargs):
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._chunks(messages, kwargs):
            await asyncio.sleep(0)
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk


def _call(tool: Any, messages: list[BaseMessage]) -> Any:
    function = tool["function"]
    fields = function.get("parameters", {}).get("properties", {})
    foreign = re.search(r"[\u4e00-\u9fff]+", str(messages[-1].text))
    text = foreign[0] if foreign else "some text"
    samples = {"integer": 3, "number": 3.0, "boolean": True, "array": [], "object": {}}
    arguments = {name: samples.get(field.get("type"), text) for name, field in fields.items()}
    return {"name": function["name"], "args": arguments, "id": f"call_{len(messages)}"}


def pair(cheap: Any = "Nine, cheaply.", strong: Any = "Nine, strongly.") -> dict[str, Any]:
    """A cheap and a strong model."""
    return {
        "cheap": Speaker(name_of_model="small", says=cheap),
        "strong": Speaker(name_of_model="large", says=strong),
    }


def routed_by(models: Mapping[str, BaseChatModel], **options: Any) -> RouterChatModel:
    """A chat model over the models; options of the router and of the chat model."""
    own = {
        key: options.pop(key) for key in ("hold", "verify", "tags", "metadata") if key in options
    }
    router = Router(tiers_of(models, PRICES), on_error="raise", **options)
    return RouterChatModel(router=router, models=dict(models), **own)
