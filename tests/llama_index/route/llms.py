"""LLMs that are told what to say, with tools of two kinds."""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
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
    MessageRole,
    TextBlock,
    ToolCallBlock,
)
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection

ANSWER = "It opens at nine. Soup is served from noon."
USAGE = {"prompt_tokens": 40, "completion_tokens": 7}


class StatusError(Exception):
    """As openai's and anthropic's errors carry their status."""

    def __init__(self, status_code: int) -> None:
        super().__init__(f"Error code: {status_code}")
        self.status_code = status_code


def calling(name: str, **arguments: Any) -> ToolCallBlock:
    return ToolCallBlock(tool_call_id=f"call-{name}", tool_name=name, tool_kwargs=arguments)


Says = str | ToolCallBlock | Exception | list[Any] | Callable[..., Any]


class Scripted(FunctionCallingLLM):
    """Says one thing after another, the last for good; a list is a stream that may be cut.

    Remembers in which form it was asked what.
    """

    name: str = "small"
    window: int = 4096
    tools: bool = True
    chats: bool = True
    seconds: float = 0
    usage: dict[str, Any] | None = USAGE
    _says: list[Any] = PrivateAttr()
    _lock: Any = PrivateAttr(default_factory=threading.Lock)
    asked: list[tuple[str, list[ChatMessage], dict[str, Any]]] = Field(default_factory=list)

    def __init__(self, *says: Says, **fields: Any) -> None:
        super().__init__(**fields)
        self._says = list(says) or [ANSWER]

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(
            context_window=self.window,
            num_output=256,
            is_chat_model=self.chats,
            is_function_calling_model=self.tools,
            model_name=self.name,
        )

    @property
    def forms(self) -> list[str]:
        return [form for form, _, _ in self.asked]

    def _said(self, form: str, messages: Sequence[ChatMessage], options: dict[str, Any]) -> Any:
        with self._lock:
            self.asked.append((form, list(messages), options))
            said = self._says.pop(0) if len(self._says) > 1 else self._says[0]
        said = said(messages) if callable(said) else said
        if isinstance(said, Exception):
            raise said
        return said

    def _raw(self, said: Any) -> dict[str, Any]:
        reason = "tool_calls" if isinstance(said, ToolCallBlock) else "stop"
        return {"finish_reason": reason} | ({"usage": dict(self.usage)} if self.usage else {})

    def _whole(self, said: Any) -> ChatResponse:
        text = "".join(said) if isinstance(said, list) else said
        return ChatResponse(message=self._message(text), raw=self._raw(said))

    def _message(self, said: Any) -> ChatMessage:
        if not isinstance(said, ToolCallBlock):
            return ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text=said)])
        # As llama-index-llms-openai: LlamaIndex's programs look for the second where they stream.
        own = {"tool_calls": [said.tool_call_id]}
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=[said], additional_kwargs=own)

    def _pieces(self, said: Any) -> ChatResponseGen:
        if isinstance(said, ToolCallBlock):
            yield self._whole(said).model_copy(update={"delta": ""})
            return
        pieces = said if isinstance(said, list) else _words(said)
        text = ""
        for at, piece in enumerate(pieces):
            if isinstance(piece, Exception):
                raise piece
            text += piece
            raw = self._raw(said) if at == len(pieces) - 1 else None
            yield ChatResponse(message=self._message(text), delta=piece, raw=raw)

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return self._whole(self._said("chat", messages, kwargs))

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        await asyncio.sleep(self.seconds)
        return self._whole(self._said("achat", messages, kwargs))

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        return self._pieces(self._said("stream_chat", messages, kwargs))

    @llm_chat_callback()
    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        said = self._said("astream_chat", messages, kwargs)

        async def pieces() -> AsyncGenerator[ChatResponse, None]:
            for piece in self._pieces(said):
                await asyncio.sleep(self.seconds)
                yield piece

        return pieces()

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        said = self._said("complete", [ChatMessage(prompt)], kwargs | {"formatted": formatted})
        return CompletionResponse(text=said, raw=self._raw(said))

    @llm_completion_callback()
    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        said = self._said("acomplete", [ChatMessage(prompt)], kwargs | {"formatted": formatted})
        return CompletionResponse(text=said, raw=self._raw(said))

    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        said = self._said("stream_complete", [ChatMessage(prompt)], kwargs)

        def pieces() -> CompletionResponseGen:
            for one in self._pieces(said):
                yield CompletionResponse(
                    text=one.message.content or "", delta=one.delta, raw=one.raw
                )

        return pieces()

    @llm_completion_callback()
    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        said = self._said("astream_complete", [ChatMessage(prompt)], kwargs)

        async def pieces() -> AsyncGenerator[CompletionResponse, None]:
            for one in self._pieces(said):
                yield CompletionResponse(
                    text=one.message.content or "", delta=one.delta, raw=one.raw
                )

        return pieces()

    def _prepare_chat_with_tools(
        self,
        tools: Sequence[Any],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        turn = ChatMessage(user_msg) if isinstance(user_msg, str) else user_msg
        turns = [*(chat_history or []), *([turn] if turn else [])]
        names = [f"{self.name}:{tool.metadata.name}" for tool in tools]
        return {"messages": turns, "tools": names, "tool_required": tool_required, **kwargs}

    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        blocks = [one for one in response.message.blocks if isinstance(one, ToolCallBlock)]
        if error_on_no_tool_call and not blocks:
            raise ValueError("no tool was called")
        return [_selection(block) for block in blocks]


class OtherProvider(Scripted):
    """Keeps tool calls where only it can read them, and asks for objects as JSON."""

    name: str = "large"

    def __init__(self, *says: Says, **fields: Any) -> None:
        super().__init__(*says, **fields)

    def _message(self, said: Any) -> ChatMessage:
        if not isinstance(said, ToolCallBlock):
            return super()._message(said)
        own = {"tool_calls": [{"fn": said.tool_name, "args": said.tool_kwargs}]}
        return ChatMessage(role=MessageRole.ASSISTANT, content="", additional_kwargs=own)

    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        found = response.message.additional_kwargs.get("tool_calls", [])
        return [
            ToolSelection(tool_id="own", tool_name=one["fn"], tool_kwargs=one["args"])
            for one in found
        ]

    def structured_predict(
        self,
        output_cls: Any,
        prompt: Any,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Any:
        messages = prompt.format_messages(llm=self, **prompt_args)
        said = self.chat(messages, response_format=output_cls.__name__, **(llm_kwargs or {}))
        return output_cls.model_validate_json(said.message.content)


def _selection(block: ToolCallBlock) -> ToolSelection:
    given = block.tool_kwargs
    known = json.loads(given) if isinstance(given, str) else given
    return ToolSelection(
        tool_id=block.tool_call_id or "", tool_name=block.tool_name, tool_kwargs=known
    )


def _words(text: str) -> list[str]:
    return [word if at == 0 else f" {word}" for at, word in enumerate(text.split(" "))]
