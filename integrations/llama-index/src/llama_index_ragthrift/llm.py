"""Any ragthrift model as a LlamaIndex LLM."""

import asyncio
from collections.abc import Generator, Sequence
from typing import Any, Protocol, runtime_checkable

from llama_index.core.base.llms.generic_utils import (
    astream_chat_response_to_completion_response,
    chat_response_to_completion_response,
    stream_chat_response_to_completion_response,
)
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
from llama_index.core.constants import DEFAULT_CONTEXT_WINDOW, DEFAULT_NUM_OUTPUTS
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools import BaseTool

from llama_index_ragthrift.calling import selections, to_tools, with_one_call
from llama_index_ragthrift.messages import Pieces, to_chat_response, to_chat_stream, to_messages
from ragthrift import Completion, InputError, Message
from ragthrift.bridge import Bridge
from ragthrift.local.model import LocalModel
from ragthrift.local.sampling import CallSettings
from ragthrift.protocols import LLM


@runtime_checkable
class Streaming(Protocol):
    """What an `LLM` may have besides `complete`."""

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Pieces:
        """The pieces of the answer; the generator returns the whole."""
        ...


class LocalLLM(FunctionCallingLLM):
    """Any `ragthrift.protocols.LLM`, for example a model on this machine.

    `chat`, `complete` and their streaming and async forms take `max_tokens` and `stop`; with a
    `ragthrift.local.LocalModel` they take all its settings, and it calls functions. `InputError`
    is raised for what the model would not honour. It streams if the model has `stream`, else the
    answer comes in one piece. The async forms wait in threads: how many calls run at once is up
    to the model. Each response has its usage in `raw["usage"]`.
    """

    llm: Any = Field(exclude=True, frozen=True, description="Answers a conversation.")
    model_name: str = Field(default="unknown", description="The name in logs and events.")
    context_window: int = Field(
        default=DEFAULT_CONTEXT_WINDOW, gt=0, description="Tokens that prompt and answer may have."
    )
    max_tokens: int | None = Field(
        default=None, gt=0, description="Tokens of an answer at most; None is up to the model."
    )
    stop: tuple[str, ...] = Field(
        default=(), description="Strings that end an answer; those of a call replace them."
    )
    is_chat_model: bool = Field(
        default=True, description="Whether LlamaIndex sends its prompts as chat messages."
    )

    def __init__(self, llm: LLM, **fields: Any) -> None:
        if not isinstance(llm, LLM):
            raise InputError(f"{llm!r} has no complete(messages, *, max_tokens, stop)")
        unknown = fields.keys() - type(self).model_fields.keys()
        if unknown:
            raise InputError(
                f"LocalLLM has no {sorted(unknown)}; what is about the model is set on the model"
            )
        super().__init__(llm=llm, **fields)

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex serialises the class under."""
        return "LocalLLM"

    @property
    def metadata(self) -> LLMMetadata:
        """What LlamaIndex plans its prompts by."""
        return LLMMetadata(
            context_window=self.context_window,
            num_output=self.max_tokens or DEFAULT_NUM_OUTPUTS,
            is_chat_model=self.is_chat_model,
            is_function_calling_model=self._calls_functions,
            model_name=self.model_name,
        )

    @property
    def _calls_functions(self) -> bool:
        return isinstance(self.llm, LocalModel) and "tools" in self.llm.runtime.abilities

    def _prepare_chat_with_tools(
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,  # noqa: ARG002  (LlamaIndex's, for who prints)
        allow_parallel_tool_calls: bool = False,  # noqa: ARG002  (held to when it has answered)
        tool_required: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        asked = ChatMessage(user_msg) if isinstance(user_msg, str) else user_msg
        messages = [*(chat_history or []), *([asked] if asked else [])]
        if not tools:
            return {"messages": messages, **kwargs}
        told = {"tools": to_tools(tools), "tool_choice": "required" if tool_required else "auto"}
        given = {name: value for name, value in kwargs.items() if value is not None}
        return {"messages": messages, **told, **given}

    def _validate_chat_with_tools_response(
        self,
        response: ChatResponse,
        tools: Sequence[BaseTool],  # noqa: ARG002  (the answer names them)
        allow_parallel_tool_calls: bool = False,
        **_: Any,
    ) -> ChatResponse:
        return response if allow_parallel_tool_calls else with_one_call(response)

    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **_: Any
    ) -> list[ToolSelection]:
        """The functions that an answer asks for, with their arguments."""
        return selections(response, must=error_on_no_tool_call)

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer a conversation."""
        return self._answer(messages, kwargs)

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer a conversation."""
        return await asyncio.to_thread(self._answer, messages, kwargs)

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Answer a conversation piece by piece; the last response has the usage."""
        return self._stream(messages, kwargs)

    @llm_chat_callback()
    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """Answer a conversation piece by piece; the last response has the usage."""
        return Bridge().each(self._stream(messages, kwargs))

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Answer a prompt, sent as one user message."""
        return chat_response_to_completion_response(
            self._answer(self._as_chat(prompt, formatted), kwargs)
        )

    @llm_completion_callback()
    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """Answer a prompt, sent as one user message."""
        messages = self._as_chat(prompt, formatted)
        return chat_response_to_completion_response(
            await asyncio.to_thread(self._answer, messages, kwargs)
        )

    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """Answer a prompt piece by piece; the last response has the usage."""
        return stream_chat_response_to_completion_response(
            self._stream(self._as_chat(prompt, formatted), kwargs)
        )

    @llm_completion_callback()
    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """Answer a prompt piece by piece; the last response has the usage."""
        return astream_chat_response_to_completion_response(
            Bridge().each(self._stream(self._as_chat(prompt, formatted), kwargs))
        )

    def _as_chat(self, prompt: str, formatted: bool) -> list[ChatMessage]:
        to_prompt = None if formatted else self.completion_to_prompt
        return [ChatMessage(to_prompt(prompt) if to_prompt else prompt)]

    def _answer(self, messages: Sequence[ChatMessage], given: dict[str, Any]) -> ChatResponse:
        options = self._options(given)
        return to_chat_response(self.llm.complete(to_messages(messages), **options))

    def _stream(self, messages: Sequence[ChatMessage], given: dict[str, Any]) -> ChatResponseGen:
        options = self._options(given)
        return to_chat_stream(_pieces(self.llm, to_messages(messages), options))

    def _options(self, given: dict[str, Any]) -> dict[str, Any]:
        known = CallSettings.__annotations__.keys() if isinstance(self.llm, LocalModel) else set()
        # LlamaIndex's DocumentContextExtractor sends extra_headers to every model; a model without
        # HTTP loses nothing by leaving them out.
        options = {name: value for name, value in given.items() if name != "extra_headers"}
        unknown = options.keys() - known - {"max_tokens", "stop"}
        if unknown:
            takes = "".join(f"{name}, " for name in sorted(known))
            raise InputError(
                f"LocalLLM with a {type(self.llm).__name__} takes {takes}max_tokens and stop, "
                f"not {sorted(unknown)}; "
                "set what is about sampling on the model itself"
            )
        stop = options.get("stop")
        stop = self.stop if stop is None else stop
        limits = {
            "max_tokens": options.get("max_tokens", self.max_tokens),
            "stop": (stop,) if isinstance(stop, str) else tuple(stop),
        }
        return options | limits


def _pieces(llm: LLM, messages: list[Message], options: dict[str, Any]) -> Pieces:
    if isinstance(llm, Streaming):
        return llm.stream(messages, **options)
    return _one_piece(llm, messages, options)


def _one_piece(
    llm: LLM, messages: list[Message], options: dict[str, Any]
) -> Generator[str, None, Completion]:
    completion = llm.complete(messages, **options)
    yield completion.text
    return completion
