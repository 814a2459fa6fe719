"""A chat model that is several: each call goes to the cheapest that answers well enough."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Literal, Self
from uuid import uuid4

from langchain_core.callbacks import Callbacks
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult, LLMResult, RunInfo
from langchain_core.runnables import Runnable, RunnableConfig
from pydantic import ConfigDict, model_validator
from typing_extensions import override

from langchain_ragthrift.convert import PROVIDER
from langchain_ragthrift.route.asking import Asking
from langchain_ragthrift.route.events import EventForm, pulled, pushed
from langchain_ragthrift.route.forms import MessageForm, Tools
from langchain_ragthrift.route.objects import ObjectForm
from langchain_ragthrift.route.profile import common_profile
from langchain_ragthrift.route.provider_markers import Markers
from langchain_ragthrift.route.running import Policy, model_of
from langchain_ragthrift.route.structured import StructuredRouter
from ragthrift import InputError
from ragthrift.route import Hold, Router

_TOOLS = "ragthrift_tools"
"""The argument in which bound tools wait for the model that gets them."""


class RouterChatModel(BaseChatModel):
    """A `ragthrift.route.Router` over chat models, where LangChain takes one.

    `models` are by the names of the router's tiers, and of the fallbacks of its `Recovery`. A call
    is a run of its own in traces, with a run of each model that was asked; what a model says of
    itself (name, usage) stays as it is, and `response_metadata["routing"]` of the answer tells
    tier, reason, attempts and dollars. Tools and structured output are bound on the model that is
    chosen. `model=` of a call, a tier's name or its model's, leaves no choice, and `passages=`
    tells what was retrieved, as `with_passages` and the documents of tool messages do.

    `invoke` checks answers before they leave and goes up where that helps. A stream goes to the
    tier that was chosen first: `hold="sentence"` looks at its opening before it leaves, and
    `verify=True` at the whole. Where somebody listens to an `invoke` word by word, as LangGraph's
    `stream_mode="messages"` does, it is a stream, too.

    A cache or a rate limit belongs to the models.

    >>> from langchain_core.language_models import FakeListChatModel
    >>> from langchain_ragthrift import tiers_of
    >>> models = {name: FakeListChatModel(responses=[name]) for name in ("cheap", "strong")}
    >>> chat = RouterChatModel(router=Router(tiers_of(models)), models=models)
    >>> chat.invoke("When does the canteen open?", model="strong").text
    'strong'
    """

    router: Router
    models: dict[str, BaseChatModel]
    hold: Hold | None = None
    verify: bool = False

    model_config = ConfigDict(arbitrary_types_allowed=True)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for tier in self.router.tiers:
            model_of(tier, self.models)
        if self.cache is not None or self.rate_limiter is not None:
            raise InputError("a router asks its models: give the cache or the rate limiter to them")
        return self

    @property
    def _asking(self) -> Asking:
        markers = Markers(self.models.values())
        return Asking(self, Policy(self.router, self.models, markers, self.hold, self.verify))

    @property
    @override
    def _llm_type(self) -> str:
        return f"{PROVIDER}-router"

    @property
    @override
    def _identifying_params(self) -> Mapping[str, Any]:
        models = ((tier.name, self.models[tier.name]) for tier in self.router.tiers)
        tiers = {name: {"_type": m._llm_type, **m._identifying_params} for name, m in models}
        return {"tiers": tiers, "hold": self.hold, "verify": self.verify}

    @override
    def _resolve_model_profile(self) -> ModelProfile | None:
        profile = common_profile(model.profile for model in self.models.values())
        return ModelProfile(**profile) if profile else None  # type: ignore[typeddict-item]

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        names = ", ".join(tier.name for tier in self.router.tiers)
        named = kwargs.get("model", f"router({names})")
        return {**params, "ls_provider": PROVIDER, "ls_model_name": named}

    @override
    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Keep tools for the model that is chosen; a `RunnableBinding`, as models give it."""
        options = kwargs if tool_choice is None else {**kwargs, "tool_choice": tool_choice}
        return self.bind(**{_TOOLS: Tools(tuple(tools), options)})

    @override
    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Ask the model that is chosen for an object, in its own way; options are for it."""
        return StructuredRouter(self._asking, ObjectForm(schema, include_raw, kwargs))

    @override
    def invoke(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        form, options = self._form(stop, kwargs)
        answer: AIMessage = self._asking.invoke(input, config, form, options)
        return answer

    @override
    async def ainvoke(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        form, options = self._form(stop, kwargs)
        answer: AIMessage = await self._asking.ainvoke(input, config, form, options)
        return answer

    @override
    def stream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> Iterator[AIMessageChunk]:
        form, options = self._form(stop, kwargs)
        if self._silent(form):
            yield self._asking.invoke(input, config, form, options)
        else:
            yield from self._asking.stream(input, config, form, options)

    @override
    async def astream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        form, options = self._form(stop, kwargs)
        if self._silent(form):
            yield await self._asking.ainvoke(input, config, form, options)
            return
        async with aclosing(self._asking.astream(input, config, form, options)) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                yield chunk

    @override
    def stream_events(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        version: Literal["v1", "v2", "v3"] = "v2",
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Stream events; those of version 3 are the chosen model's own."""
        if version != "v3":
            return super().stream_events(input, config, version=version, stop=stop, **kwargs)
        form, options = self._form(stop, kwargs, EventForm)
        return pulled(self._asking.stream(input, config, form, options))

    @override
    def astream_events(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        version: Literal["v1", "v2", "v3"] = "v2",
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Do the same; version 3 is to be awaited."""
        if version != "v3":
            return super().astream_events(input, config, version=version, stop=stop, **kwargs)
        form, options = self._form(stop, kwargs, EventForm)

        async def begun() -> Any:
            return pushed(self._asking.astream(input, config, form, options))

        return begun()

    @override
    def generate(
        self,
        messages: list[list[BaseMessage]],
        stop: list[str] | None = None,
        callbacks: Callbacks = None,
        **kwargs: Any,
    ) -> LLMResult:
        told = _configs(messages, callbacks, kwargs)
        answers = [
            self.invoke(prompt, config, stop=stop, **kwargs)
            for prompt, config in zip(messages, told, strict=True)
        ]
        return _result(answers, told)

    @override
    async def agenerate(
        self,
        messages: list[list[BaseMessage]],
        stop: list[str] | None = None,
        callbacks: Callbacks = None,
        **kwargs: Any,
    ) -> LLMResult:
        told = _configs(messages, callbacks, kwargs)
        asked = (
            self.ainvoke(prompt, config, stop=stop, **kwargs)
            for prompt, config in zip(messages, told, strict=True)
        )
        return _result(await asyncio.gather(*asked), told)

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        answer = self.invoke(messages, stop=stop, **kwargs)
        return ChatResult(generations=[ChatGeneration(message=answer)])

    def _form(
        self, stop: list[str] | None, kwargs: dict[str, Any], kind: type[MessageForm] = MessageForm
    ) -> tuple[MessageForm, dict[str, Any]]:
        """What is asked for, and the arguments that go to the model."""
        options = {**kwargs} if stop is None else {**kwargs, "stop": stop}
        tools = options.pop(_TOOLS, Tools())
        return kind(tools, self._asking.policy.markers), options

    def _silent(self, form: MessageForm) -> bool:
        if self.disable_streaming == "tool_calling":
            return bool(form.tools.tools)
        return bool(self.disable_streaming)


def _configs(
    prompts: Sequence[Any], callbacks: Callbacks, kwargs: dict[str, Any]
) -> list[RunnableConfig]:
    """A config for each prompt, made of the arguments that `generate` takes in its place."""
    shared = RunnableConfig(callbacks=callbacks)
    if (tags := kwargs.pop("tags", None)) is not None:
        shared["tags"] = tags
    if (metadata := kwargs.pop("metadata", None)) is not None:
        shared["metadata"] = metadata
    if (name := kwargs.pop("run_name", None)) is not None:
        shared["run_name"] = name
    first = kwargs.pop("run_id", None) or uuid4()
    numbers = [first, *(uuid4() for _ in prompts[1:])]
    return [{**shared, "run_id": number} for number, _ in zip(numbers, prompts, strict=False)]


def _result(answers: Sequence[AIMessage], told: Sequence[RunnableConfig]) -> LLMResult:
    return LLMResult(
        generations=[[ChatGeneration(message=answer)] for answer in answers],
        llm_output={},
        run=[RunInfo(run_id=config["run_id"]) for config in told if config["run_id"]],
    )
