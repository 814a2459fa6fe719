"""An LLM that hands every call on to another one."""

from collections.abc import AsyncGenerator, Generator, Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
)
from llama_index.core.bridge.pydantic import Field
from llama_index.core.llms import LLM
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection

from llama_index_ragthrift.calling import calls_functions
from ragthrift import InputError


class Passthrough(FunctionCallingLLM):
    """All of an LLM's calls, events and callbacks are those of `llm`.

    No method is wrapped in LlamaIndex's callbacks: the inner ones are, and a call must be counted
    once. Whether tools can be called is up to `llm`, and said in `metadata`.
    """

    llm: Any = Field(exclude=True, frozen=True, description="Answers.")

    @property
    def metadata(self) -> LLMMetadata:
        """That of the inner LLM."""
        inner: LLMMetadata = self.llm.metadata
        return inner

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "callback_manager":  # synthesizers and Settings set it on the LLM they are given
            self.llm.callback_manager = value

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Ask the inner LLM."""
        return self._llm.chat(messages, **kwargs)

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Ask the inner LLM."""
        return self._llm.complete(prompt, formatted=formatted, **kwargs)

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Ask the inner LLM."""
        return self._llm.stream_chat(messages, **kwargs)

    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """Ask the inner LLM."""
        return self._llm.stream_complete(prompt, formatted=formatted, **kwargs)

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Ask the inner LLM."""
        return await self._llm.achat(messages, **kwargs)

    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """Ask the inner LLM."""
        return await self._llm.acomplete(prompt, formatted=formatted, **kwargs)

    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """Ask the inner LLM."""
        return await self._llm.astream_chat(messages, **kwargs)

    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """Ask the inner LLM."""
        return await self._llm.astream_complete(prompt, formatted=formatted, **kwargs)

    def structured_predict(self, *args: Any, **kwargs: Any) -> Any:
        """Ask the inner LLM, which may have a way of its own."""
        return self._llm.structured_predict(*args, **kwargs)

    async def astructured_predict(self, *args: Any, **kwargs: Any) -> Any:
        """Ask the inner LLM, which may have a way of its own."""
        return await self._llm.astructured_predict(*args, **kwargs)

    def stream_structured_predict(self, *args: Any, **kwargs: Any) -> Generator[Any, None, None]:
        """Ask the inner LLM, which may have a way of its own."""
        return self._llm.stream_structured_predict(*args, **kwargs)

    async def astream_structured_predict(
        self, *args: Any, **kwargs: Any
    ) -> AsyncGenerator[Any, None]:
        """Ask the inner LLM, which may have a way of its own."""
        return await self._llm.astream_structured_predict(*args, **kwargs)

    def chat_with_tools(self, *args: Any, **kwargs: Any) -> ChatResponse:
        """Ask the inner LLM."""
        return self._calling.chat_with_tools(*args, **kwargs)

    async def achat_with_tools(self, *args: Any, **kwargs: Any) -> ChatResponse:
        """Ask the inner LLM."""
        return await self._calling.achat_with_tools(*args, **kwargs)

    def stream_chat_with_tools(self, *args: Any, **kwargs: Any) -> ChatResponseGen:
        """Ask the inner LLM."""
        return self._calling.stream_chat_with_tools(*args, **kwargs)

    async def astream_chat_with_tools(self, *args: Any, **kwargs: Any) -> ChatResponseAsyncGen:
        """Ask the inner LLM."""
        return await self._calling.astream_chat_with_tools(*args, **kwargs)

    def get_tool_calls_from_response(self, *args: Any, **kwargs: Any) -> list[ToolSelection]:
        """As the inner LLM reads them."""
        return self._calling.get_tool_calls_from_response(*args, **kwargs)

    def _prepare_chat_with_tools(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return self._calling._prepare_chat_with_tools(*args, **kwargs)

    @property
    def _llm(self) -> LLM:
        inner: LLM = self.llm
        return inner

    @property
    def _calling(self) -> FunctionCallingLLM:
        inner = self._llm
        if not calls_functions(inner):
            raise InputError(f"{type(inner).__name__} calls no tools; wrap an LLM that does")
        return inner
