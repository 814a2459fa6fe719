"""Any ragthrift model as a LlamaIndex LLM."""

import asyncio
from collections.abc import Generator, Sequence
from typing import Any, Protocol, TypedDict, runtime_checkable

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
from llama_index.core.llms import CustomLLM
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback

from llama_index_ragthrift.messages import Pieces, to_chat_response, to_chat_stream, to_messages
from ragthrift import Completion, InputError, Message
from ragthrift.bridge import Bridge
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


class CallOptions(TypedDict):
    """What one call may ask of an `LLM`."""

    max_tokens: int | None
    stop: tuple[str, ...]


class LocalLLM(CustomLLM):
    """Any `ragthrift.protocols.LLM`, for example a model on this machine.

    `chat`, `complete` and their streaming and async forms take `max_tokens` and `stop`, and raise
    `InputError` for what the model would not honour. It streams if the model has `stream`, else
    the answer comes in one piece. The async forms wait in threads: how many calls run at once is
    up to the model. Each response has its usage in `raw["usage"]`.
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
            model_name=self.model_name,
        )

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

    def _options(self, given: dict[str, Any]) -> CallOptions:
        # LlamaIndex's DocumentContextExtractor sends extra_headers to every model; a model without
        # HTTP loses nothing by leaving them out.
        unknown = given.keys() - {"max_tokens", "stop", "extra_headers"}
        if unknown:
            raise InputError(
                f"LocalLLM takes max_tokens and stop, not {sorted(unknown)}; "
                "set what is about sampling on the model itself"
            )
        stop = given.get("stop")
        stop = self.stop if stop is None else stop
        return {
            "max_tokens": given.get("max_tokens", self.max_tokens),
            "stop": (stop,) if isinstance(stop, str) else tuple(stop),
        }


def _pieces(llm: LLM, messages: list[Message], options: CallOptions) -> Pieces:
    if isinstance(llm, Streaming):
        return llm.stream(messages, **options)
    return _one_piece(llm, messages, options)


def _one_piece(
    llm: LLM, messages: list[Message], options: CallOptions
) -> Generator[str, None, Completion]:
    completion = llm.complete(messages, **options)
    yield completion.text
    return completion
