"""A language model of ragthrift as a LangChain chat model."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Literal

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from pydantic import BaseModel, field_validator
from typing_extensions import override

from langchain_ragthrift.calling import ToolLike, to_choice, to_settings
from langchain_ragthrift.convert import PROVIDER, to_ai_message, to_last_chunk, to_messages
from langchain_ragthrift.structured import parsed
from ragthrift import Completion, ContractError, InputError
from ragthrift.local.model import LocalModel
from ragthrift.local.sampling import CallSettings
from ragthrift.protocols import LLM

_LANGCHAINS = frozenset(["stream", "ls_structured_output_format"])
"""Arguments that are meant for LangChain itself."""


class ChatLocal(BaseChatModel):
    """Any `ragthrift.protocols.LLM` where LangChain takes a chat model.

    It reads text and answers with text and usage, word by word where the model has `stream`. With
    a `ragthrift.local.LocalModel` it binds tools, answers by a schema, and takes all settings of a
    call: `temperature`, `seed`, `grammar`, `logprobs`, `adapter`, `session` and the others. Of any
    other model a call can set `stop` and `max_tokens`, and what it cannot obey is refused.

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
        local = isinstance(self.llm, LocalModel)
        known = CallSettings.__annotations__.keys() if local else frozenset[str]()
        unknown = sorted(arguments.keys() - known - _LANGCHAINS - {"max_tokens"})
        if unknown:
            raise InputError(
                f"ChatLocal with a {type(self.llm).__name__} knows stop, max_tokens"
                f"{''.join(f', {name}' for name in sorted(known))} in a call, "
                f"not {', '.join(unknown)}; set sampling on the model behind it"
            )
        given = {name: value for name, value in arguments.items() if name not in _LANGCHAINS}
        return {
            **to_settings(given),
            "max_tokens": given.get("max_tokens", self.max_tokens),
            "stop": tuple(self.stop or () if stop is None else stop),
        }

    @override
    def bind_tools(
        self,
        tools: Sequence[ToolLike],
        *,
        tool_choice: str | bool | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind tools that each call may ask to be run; `tool_choice` as OpenAI's."""
        self._check_local("tools")
        told = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=told, tool_choice=to_choice(tool_choice), **kwargs)

    @override
    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        include_raw: bool = False,
        method: Literal["json_schema", "function_calling", "json_mode"] = "json_schema",
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """Answer by a schema, token by token, so that no answer can miss it but one cut off."""
        if method == "function_calling":
            return super().with_structured_output(schema, include_raw=include_raw, **kwargs)
        self._check_local("schema")
        followed = {"type": "object"} if method == "json_mode" else convert_to_json_schema(schema)
        told = {"kwargs": {"method": method}, "schema": schema}
        model = self.bind(schema=followed, ls_structured_output_format=told)
        return parsed(model, schema, include_raw=include_raw)

    def _check_local(self, wanted: str) -> None:
        if not isinstance(self.llm, LocalModel):
            raise NotImplementedError(
                f"{type(self.llm).__name__} takes no {wanted}; "
                "ragthrift.local.load_model makes a model that does"
            )


def _chunk(part: str | Completion) -> AIMessageChunk:
    return to_last_chunk(part) if isinstance(part, Completion) else AIMessageChunk(content=part)


def _checked(completion: object) -> Completion:
    if not isinstance(completion, Completion):
        raise ContractError(
            f"the model ended with a {type(completion).__name__}, not a ragthrift Completion"
        )
    return completion
