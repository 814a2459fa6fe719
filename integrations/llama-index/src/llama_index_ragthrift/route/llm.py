"""An LLM that answers with the cheapest of several that is expected to answer well enough."""

from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

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
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.types import TokenAsyncGen, TokenGen

from llama_index_ragthrift.calling import calls_functions
from llama_index_ragthrift.route.asking import Asking
from llama_index_ragthrift.route.question import Question
from llama_index_ragthrift.route.questions import Chat, ChatWithTools, Complete
from llama_index_ragthrift.route.record import tier_of
from llama_index_ragthrift.route.structured import StructuredPredict
from llama_index_ragthrift.route.template import filling
from ragthrift import InputError
from ragthrift.bridge import Bridge
from ragthrift.route import Call, Hold, Router

Answer = TypeVar("Answer")


class RouterLLM(FunctionCallingLLM):
    """Several LLMs behind a `Router`, one for each tier and fallback, by its name.

    >>> from llama_index.core.llms import MockLLM
    >>> from llama_index_ragthrift import tiers_of
    >>> from ragthrift import Price
    >>> llms = {"cheap": MockLLM(), "strong": MockLLM()}
    >>> router = Router(tiers_of(llms, {"cheap": Price(0.1, 0.4), "strong": Price(3, 15)}))
    >>> response = RouterLLM(router, llms).complete("When does the canteen open?")
    >>> response.additional_kwargs["routing"]["tier"]
    'cheap'

    Whatever is asked, tools and objects of a class included, is asked of the chosen LLM by the
    same method, so that each does its own work for it; events and callbacks are those of the
    LLMs, so that each attempt is counted once. Responses have the record of the call in
    `additional_kwargs["routing"]`. `tier="strong"` among a call's arguments pins it.

    `hold` and `verify` are those of `Router.stream`. `conversation` names the conversation that a
    call belongs to, such as the `get` of a context variable, for the sake of prompt caches.
    """

    router: Any = Field(exclude=True, frozen=True, description="Chooses, checks and bills.")
    llms: Any = Field(exclude=True, frozen=True, description="By the names of the tiers.")
    hold: Hold | None = Field(default=None, description="How much of a stream to look at first.")
    verify: bool = Field(default=False, description="Whether to check a stream as a whole first.")
    conversation: Callable[[], str | None] | None = Field(
        default=None, exclude=True, description="Names the conversation of a call."
    )

    def __init__(self, router: Router, llms: Mapping[str, LLM], **fields: Any) -> None:
        lacking = [tier.name for tier in router.tiers if tier.name not in llms]
        if lacking:
            raise InputError(f"llms has none for {lacking}; name one LLM for every tier")
        strange = [name for name, llm in llms.items() if not isinstance(llm, LLM)]
        if strange:
            raise InputError(f"{strange} are no LLMs of LlamaIndex; LocalLLM makes one of a model")
        unknown = fields.keys() - type(self).model_fields.keys()
        if unknown:
            raise InputError(
                f"RouterLLM has no {sorted(unknown)}; set it on the router or the LLMs"
            )
        own = {"callback_manager": next(iter(llms.values())).callback_manager}
        super().__init__(**{**own, **fields, "router": router, "llms": dict(llms)})

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex serialises the class under."""
        return "RouterLLM"

    @property
    def metadata(self) -> LLMMetadata:
        """What all of the LLMs can do: a prompt planned by it fits each of them."""
        known = [llm.metadata for llm in self._llms.values()]
        window = min(one.context_window for one in known)
        room = min(one.context_window - one.num_output for one in known)
        return LLMMetadata(
            context_window=window,
            num_output=window - room,
            is_chat_model=all(one.is_chat_model for one in known),
            is_function_calling_model=all(one.is_function_calling_model for one in known),
            model_name=" | ".join(one.model_name for one in known),
        )

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "callback_manager":  # synthesizers and Settings set it on the LLM they are given
            for llm in self._llms.values():
                llm.callback_manager = value

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer a conversation."""
        return self._answer(Chat(messages, kwargs))

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer a conversation."""
        return await self._aanswer(Chat(messages, kwargs))

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Answer a conversation piece by piece; the last response has the record."""
        return self._stream(Chat(messages, kwargs))

    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """Answer a conversation piece by piece; the last response has the record."""
        return self._astream(Chat(messages, kwargs))

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Answer a prompt."""
        return self._answer(Complete(prompt, formatted, kwargs))

    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """Answer a prompt."""
        return await self._aanswer(Complete(prompt, formatted, kwargs))

    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """Answer a prompt piece by piece; the last response has the record."""
        return self._stream(Complete(prompt, formatted, kwargs))

    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """Answer a prompt piece by piece; the last response has the record."""
        return self._astream(Complete(prompt, formatted, kwargs))

    def chat_with_tools(self, *args: Any, **kwargs: Any) -> ChatResponse:
        """Answer, or call tools whose arguments were checked."""
        return self._answer(ChatWithTools(*args, **kwargs))

    async def achat_with_tools(self, *args: Any, **kwargs: Any) -> ChatResponse:
        """Answer, or call tools whose arguments were checked."""
        return await self._aanswer(ChatWithTools(*args, **kwargs))

    def stream_chat_with_tools(self, *args: Any, **kwargs: Any) -> ChatResponseGen:
        """Answer piece by piece, or call tools."""
        return self._stream(ChatWithTools(*args, **kwargs))

    async def astream_chat_with_tools(self, *args: Any, **kwargs: Any) -> ChatResponseAsyncGen:
        """Answer piece by piece, or call tools."""
        return self._astream(ChatWithTools(*args, **kwargs))

    def get_tool_calls_from_response(
        self, response: ChatResponse, *args: Any, **kwargs: Any
    ) -> list[ToolSelection]:
        """As the LLM reads them that gave the response."""
        calling = {n: llm for n, llm in self._llms.items() if calls_functions(llm)}
        llm = calling.get(tier_of(response) or "", next(iter(calling.values()), None))
        if llm is None:
            raise InputError("none of the LLMs calls tools; give the router one that does")
        return llm.get_tool_calls_from_response(response, *args, **kwargs)

    def structured_predict(self, *args: Any, **kwargs: Any) -> Any:
        """An object of a class; one that cannot be made is asked for again."""
        return self._answer(StructuredPredict(self, *args, **kwargs))

    async def astructured_predict(self, *args: Any, **kwargs: Any) -> Any:
        """An object of a class; one that cannot be made is asked for again."""
        return await self._aanswer(StructuredPredict(self, *args, **kwargs))

    def stream_structured_predict(self, *args: Any, **kwargs: Any) -> Generator[Any, None, None]:
        """An object of a class, as far as it has come."""
        return self._stream(StructuredPredict(self, *args, **kwargs))

    async def astream_structured_predict(
        self, *args: Any, **kwargs: Any
    ) -> AsyncGenerator[Any, None]:
        """An object of a class, as far as it has come."""
        return self._astream(StructuredPredict(self, *args, **kwargs))

    def predict(self, prompt: BasePromptTemplate, **prompt_args: Any) -> str:
        """The answer to a template, whose question is weighed apart from the rest."""
        with filling(prompt, prompt_args):
            return super().predict(prompt, **prompt_args)

    async def apredict(self, prompt: BasePromptTemplate, **prompt_args: Any) -> str:
        """The answer to a template, whose question is weighed apart from the rest."""
        with filling(prompt, prompt_args):
            return await super().apredict(prompt, **prompt_args)

    def stream(self, prompt: BasePromptTemplate, **prompt_args: Any) -> TokenGen:
        """The answer to a template, piece by piece."""
        with filling(prompt, prompt_args):
            return super().stream(prompt, **prompt_args)

    async def astream(self, prompt: BasePromptTemplate, **prompt_args: Any) -> TokenAsyncGen:
        """The answer to a template, piece by piece."""
        with filling(prompt, prompt_args):
            return await super().astream(prompt, **prompt_args)

    def _prepare_chat_with_tools(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # noqa: ARG002
        raise InputError("each LLM prepares tools in its own way: call chat_with_tools instead")

    def _answer(self, question: Question[Answer]) -> Answer:
        asking = Asking(question, self._llms)
        return question.answer(self._router.run(self._call(question), asking.attempt))

    async def _aanswer(self, question: Question[Answer]) -> Answer:
        bridge = Bridge()
        asking = Asking(question, self._llms, bridge)
        run = partial(self._router.run, self._call(question), asking.attempt)
        return question.answer(await bridge.call(run))

    def _stream(self, question: Question[Answer]) -> Generator[Answer, None, None]:
        return self._pieces(question, self._call(question), Asking(question, self._llms))

    def _astream(self, question: Question[Answer]) -> AsyncGenerator[Answer, None]:
        bridge = Bridge()
        asking = Asking(question, self._llms, bridge)
        return bridge.each(self._pieces(question, self._call(question), asking))

    def _pieces(
        self, question: Question[Answer], call: Call, asking: Asking
    ) -> Generator[Any, None, None]:
        pieces = self._router.stream(call, asking.stream, hold=self.hold, verify=self.verify)
        try:
            while True:
                yield next(pieces).raw
        except StopIteration as end:
            yield from question.ending(end.value)
        finally:
            pieces.close()

    def _call(self, question: Question[Any]) -> Call:
        return replace(question.call, conversation=self.conversation and self.conversation())

    @property
    def _router(self) -> Router:
        router: Router = self.router
        return router

    @property
    def _llms(self) -> dict[str, LLM]:
        llms: dict[str, LLM] = self.llms
        return llms
