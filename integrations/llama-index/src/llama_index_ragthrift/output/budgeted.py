"""An LLM whose answers have a budget."""

from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
)
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import LLM
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.types import TokenAsyncGen, TokenGen

from llama_index_ragthrift.cache.passthrough import Passthrough
from llama_index_ragthrift.cache.template import QUESTION
from llama_index_ragthrift.output.sending import instructed, question_in, told
from llama_index_ragthrift.route.template import filled_in
from ragthrift import InputError
from ragthrift.ledger import UNTAGGED
from ragthrift.prompt.output import Asking, OutputBudget

Response = TypeVar("Response", ChatResponse, CompletionResponse)

_ASKING: ContextVar[Asking | None] = ContextVar("ragthrift_output_budget", default=None)


class BudgetedLLM(Passthrough):
    """Any LLM under an `OutputBudget`: give it to a query engine, a synthesizer or a chat engine.

    In a template with a `query_str`, as the synthesizers' are, the instruction stands right behind
    the question; elsewhere at the end of the prompt. `session` names the conversation that is held
    out as a whole; without it that is the question. `thinks` is for an LLM that reasons before it
    answers. Tools and structured answers are left alone, and a stream is never asked again.
    """

    _budget: OutputBudget = PrivateAttr()
    _type: str = PrivateAttr()
    _session: Callable[[], str] | None = PrivateAttr()
    _thinks: bool = PrivateAttr()

    def __init__(
        self,
        llm: LLM,
        budget: OutputBudget,
        *,
        request_type: str = UNTAGGED,
        session: Callable[[], str] | None = None,
        thinks: bool = False,
    ) -> None:
        if not isinstance(llm, LLM):
            raise InputError(f"{llm!r} is no LLM of LlamaIndex; LocalLLM makes one of any model")
        fields: dict[str, Any] = {"llm": llm, "callback_manager": llm.callback_manager}
        super().__init__(**fields, pydantic_program_mode=llm.pydantic_program_mode)
        self._budget, self._type = budget, request_type
        self._session, self._thinks = session, thinks

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex serialises the class under."""
        return "BudgetedLLM"

    def predict(self, prompt: BasePromptTemplate, **prompt_args: Any) -> str:
        """The answer to a template."""
        with self._filling(prompt, prompt_args) as filled:
            return super().predict(prompt, **filled)

    async def apredict(self, prompt: BasePromptTemplate, **prompt_args: Any) -> str:
        """The answer to a template."""
        with self._filling(prompt, prompt_args) as filled:
            return await super().apredict(prompt, **filled)

    def stream(self, prompt: BasePromptTemplate, **prompt_args: Any) -> TokenGen:
        """The answer to a template, piece by piece."""
        with self._filling(prompt, prompt_args) as filled:
            return super().stream(prompt, **filled)

    async def astream(self, prompt: BasePromptTemplate, **prompt_args: Any) -> TokenAsyncGen:
        """The answer to a template, piece by piece."""
        with self._filling(prompt, prompt_args) as filled:
            return await super().astream(prompt, **filled)

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer a conversation."""
        asking, sent = self._chatting(messages, kwargs)
        while True:
            response = self._llm.chat(sent, **_options(asking, kwargs))
            if not asking.again(*told(response)):
                return response

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer a conversation."""
        asking, sent = self._chatting(messages, kwargs)
        while True:
            response = await self._llm.achat(sent, **_options(asking, kwargs))
            if not asking.again(*told(response)):
                return response

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Answer a conversation piece by piece."""
        asking, sent = self._chatting(messages, kwargs)
        return _heard(asking, self._llm.stream_chat(sent, **_options(asking, kwargs)))

    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """Answer a conversation piece by piece."""
        asking, sent = self._chatting(messages, kwargs)
        return _aheard(asking, await self._llm.astream_chat(sent, **_options(asking, kwargs)))

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Answer a prompt."""
        asking, sent = self._completing(prompt, kwargs)
        while True:
            options = _options(asking, kwargs)
            response = self._llm.complete(sent, formatted=formatted, **options)
            if not asking.again(*told(response)):
                return response

    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """Answer a prompt."""
        asking, sent = self._completing(prompt, kwargs)
        while True:
            options = _options(asking, kwargs)
            response = await self._llm.acomplete(sent, formatted=formatted, **options)
            if not asking.again(*told(response)):
                return response

    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """Answer a prompt piece by piece."""
        asking, sent = self._completing(prompt, kwargs)
        options = _options(asking, kwargs)
        return _heard(asking, self._llm.stream_complete(sent, formatted=formatted, **options))

    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """Answer a prompt piece by piece."""
        asking, sent = self._completing(prompt, kwargs)
        options = _options(asking, kwargs)
        pieces = await self._llm.astream_complete(sent, formatted=formatted, **options)
        return _aheard(asking, pieces)

    @contextmanager
    def _filling(
        self, prompt: BasePromptTemplate, variables: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        """The variables with the instruction behind the question, for the call made meanwhile."""
        filled = filled_in(prompt, variables)
        structured = prompt.output_parser is not None or self.output_parser is not None
        if filled is None and not structured:
            yield variables
            return
        asking = self._budget.unasked()
        if filled and not structured:
            asking = self._asking(filled.question, {})
        before = _ASKING.set(asking)
        try:
            asked = f"{filled.question if filled else ''}\n{asking.instruction}"
            yield {**variables, QUESTION: asked} if asking.instruction else variables
        finally:
            _ASKING.reset(before)

    def _chatting(
        self, messages: Sequence[ChatMessage], given: dict[str, Any]
    ) -> tuple[Asking, list[ChatMessage]]:
        if asking := _ASKING.get():
            return asking, list(messages)
        asking = self._asking(question_in(messages), given)
        return asking, instructed(messages, asking.instruction)

    def _completing(self, prompt: str, given: dict[str, Any]) -> tuple[Asking, str]:
        if asking := _ASKING.get():
            return asking, prompt
        asking = self._asking(prompt, given)
        return asking, f"{prompt}\n\n{asking.instruction}" if asking.instruction else prompt

    def _asking(self, question: str, given: dict[str, Any]) -> Asking:
        own = given.get("max_tokens") or getattr(self._llm, "max_tokens", None)
        return self._budget.asking(
            self._type,
            self._session() if self._session else question,
            thinks=self._thinks,
            limit=own if isinstance(own, int) and own > 0 else None,
        )


def _options(asking: Asking, given: dict[str, Any]) -> dict[str, Any]:
    if asking.plan.max_tokens is None or asking.max_tokens is None:
        return given
    return {**given, "max_tokens": asking.max_tokens}


def _heard(
    asking: Asking, pieces: Generator[Response, None, None]
) -> Generator[Response, None, None]:
    heard: list[Response] = []
    for piece in pieces:
        heard = heard[:1] + [piece]  # noqa: RUF005 - the first has the input's usage
        yield piece
    asking.again(*told(*heard))


async def _aheard(
    asking: Asking, pieces: AsyncGenerator[Response, None]
) -> AsyncGenerator[Response, None]:
    heard: list[Response] = []
    async for piece in pieces:
        heard = heard[:1] + [piece]  # noqa: RUF005 - as above
        yield piece
    asking.again(*told(*heard))
