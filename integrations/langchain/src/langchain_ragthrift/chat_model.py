"""A language model of ragthrift as a LangChain chat model."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import field_validator
from typing_extensions import override

from langchain_ragthrift.convert import PROVIDER, to_ai_message, to_last_chunk, to_messages
from ragthrift import Completion, ContractError, InputError
from ragthrift.protocols import LLM


class ChatLocal(BaseChatModel):
    """Any `ragthrift.protocols.LLM` where LangChain takes a chat model.

    It reads text and answers with text and usage; it binds no tools. Sampling is set on the model
    behind it: of the call's arguments only `stop` and `max_tokens` are known here. It streams
    word by word where the model has `stream`, and in one piece otherwise.

    >>> from ragthrift import Completion, Usage
    >>> class Polite:
    ...     def complete(self, messages, *, max_tokens=None, stop=()):
    ...         return Completion("You are welcome.", Usage(3, 4), "polite-1")
    >>> ChatLocal(llm=Polite(), model_name="polite-1").invoke("Thank you!").text
    'You are welcome.'
    """

    llm: Any
    model_name: str
    """Part of the key in LangChain's caches: models that answer differently need two names."""
    max_tokens: int | None = None
    """Most tokens of an answer; `None` leaves it to the model."""
    stop: list[str] | None = None
    """Strings that end an answer; those of a call replace them."""

    @field_validator("llm")
    @classmethod
    def _answers(cls, llm: Any) -> Any:
        if not isinstance(llm, LLM):
            raise ContractError(
                f"{type(llm).__name__} is no language model: it needs "
                "complete(messages, *, max_tokens=None, stop=())"
            )
        return llm

    @property
    @override
    def _llm_type(self) -> str:
        return PROVIDER

    @property
    @override
    def _identifying_params(self) -> dict[str, Any]:
        # LangChain's cache key overwrites "stop" by the call's, so the default has another name.
        return {
            "llm": f"{type(self.llm).__module__}.{type(self.llm).__qualname__}",
            "model_name": self.model_name,
            "max_tokens": self.max_tokens,
            "default_stop": self.stop,
        }

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop or self.stop, **kwargs)
        return {**params, "ls_provider": PROVIDER}

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        completion = self.llm.complete(to_messages(messages), **self._limits(stop, kwargs))
        return ChatResult(generations=[ChatGeneration(message=to_ai_message(_checked(completion)))])

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        with closing(self._said(messages, self._limits(stop, kwargs))) as parts:
            for part in parts:
                chunk = ChatGenerationChunk(message=_chunk(part))
                if run_manager:
                    run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk

    def _said(
        self, messages: list[BaseMessage], limits: dict[str, Any]
    ) -> Generator[str | Completion, None, None]:
        """Yield the pieces of an answer, and at last the answer itself."""
        conversation = to_messages(messages)
        if hasattr(self.llm, "stream"):
            yield _checked((yield from self.llm.stream(conversation, **limits)))
        else:
            completion = _checked(self.llm.complete(conversation, **limits))
            yield completion.text
            yield completion

    def _limits(self, stop: Sequence[str] | None, arguments: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(arguments.keys() - {"max_tokens", "stream"})
        if unknown:
            raise InputError(
                f"ChatLocal knows stop and max_tokens in a call, not {', '.join(unknown)}; "
                "set sampling on the model behind it"
            )
        return {
            "max_tokens": arguments.get("max_tokens", self.max_tokens),
            "stop": tuple(self.stop or () if stop is None else stop),
        }


def _chunk(part: str | Completion) -> AIMessageChunk:
    return to_last_chunk(part) if isinstance(part, Completion) else AIMessageChunk(content=part)


def _checked(completion: object) -> Completion:
    if not isinstance(completion, Completion):
        raise ContractError(
            f"the model ended with a {type(completion).__name__}, not a ragthrift Completion"
        )
    return completion
