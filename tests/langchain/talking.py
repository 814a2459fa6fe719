"""A chat model that answers from a table, streams by word, and counts what it is asked."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import Field, PrivateAttr

from ragthrift.cache import SemanticCache
from ragthrift.testing import FakeEmbedder
from tests.cache.fakes import ServeNear

ASKED = "When does the canteen open?"
NEAR = "When does our canteen open today?"
USAGE = {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}


def settings(**more: Any) -> dict[str, Any]:
    """For a cache that serves near questions and hides nothing that fails."""
    return {"policy": ServeNear(0.6), "on_error": "raise"} | more


def make(**more: Any) -> SemanticCache:
    return SemanticCache(FakeEmbedder(), **settings(**more))


class TalkingModel(BaseChatModel):
    """Says `answer` after `seconds`; `finish` is how it ends."""

    answer: str | AIMessage = "At nine, sharp."
    seconds: float = 0.0
    finish: str = "stop"
    fails: bool = False
    heard: list[list[BaseMessage]] = Field(default_factory=list)
    model_name: str = "talking-1"
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    awaited: int = 0
    """Calls that came through the event loop."""

    @property
    def calls(self) -> int:
        return len(self.heard)

    @property
    def _llm_type(self) -> str:
        return "talking"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"model_name": self.model_name}

    def _message(self, messages: Sequence[BaseMessage]) -> AIMessage:
        with self._lock:
            self.heard.append(list(messages))
            number = len(self.heard)
        if self.fails:
            raise RuntimeError("no model today")
        said = self.answer if isinstance(self.answer, AIMessage) else AIMessage(self.answer)
        metadata = {"model_name": self.model_name, "finish_reason": self.finish, "id": f"r{number}"}
        return said.model_copy(
            update={
                "id": f"msg_{number}",
                "usage_metadata": USAGE,
                "response_metadata": metadata,
            }
        )

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        time.sleep(self.seconds)
        return ChatResult(generations=[ChatGeneration(message=self._message(messages))])

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self.awaited += 1
        await asyncio.sleep(self.seconds)
        return ChatResult(generations=[ChatGeneration(message=self._message(messages))])

    def _chunks(self, messages: list[BaseMessage]) -> Iterator[ChatGenerationChunk]:
        said = self._message(messages)
        for word in str(said.text).split(" "):
            yield ChatGenerationChunk(message=AIMessageChunk(content=word + " ", id=said.id))
        last = AIMessageChunk(
            content="",
            id=said.id,
            usage_metadata=said.usage_metadata,
            response_metadata=said.response_metadata,
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=last)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **_: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in self._chunks(messages):
            time.sleep(self.seconds / 4)
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **_: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        self.awaited += 1
        for chunk in self._chunks(messages):
            await asyncio.sleep(self.seconds / 4)
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    def bind_tools(
        self, tools: Sequence[Any], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        return self.bind(**kwargs)


Make = Callable[..., SemanticCache]
