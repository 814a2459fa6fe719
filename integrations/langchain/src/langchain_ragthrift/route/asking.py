"""A call of the router as a run of LangChain's, with the models' runs below it."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import merge_configs

from langchain_ragthrift.route.forms import Form
from langchain_ragthrift.route.running import Policy, Run
from ragthrift.bridge import Bridge

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks by a policy, in the name of the chat model that has it."""

    owner: BaseChatModel
    policy: Policy

    def invoke(
        self, asked: LanguageModelInput, config: RunnableConfig | None, form: Form, options: Options
    ) -> Any:
        """The answer in its form."""

        def run(given: LanguageModelInput, config: RunnableConfig) -> Any:
            return self._run(given, config, form, options).invoke()

        return self.owner._call_with_config(run, asked, self._config(config))  # type: ignore[arg-type]

    async def ainvoke(
        self, asked: LanguageModelInput, config: RunnableConfig | None, form: Form, options: Options
    ) -> Any:
        """The answer; the router waits in a thread, the models on the loop."""

        async def run(given: LanguageModelInput, config: RunnableConfig) -> Any:
            bridge = Bridge()
            return await bridge.call(self._run(given, config, form, options, bridge).invoke)

        return await self.owner._acall_with_config(run, asked, self._config(config))  # type: ignore[arg-type]

    def stream(
        self, asked: LanguageModelInput, config: RunnableConfig | None, form: Form, options: Options
    ) -> Iterator[Any]:
        """The answer's chunks."""

        def run(inputs: Iterator[LanguageModelInput], config: RunnableConfig) -> Iterator[Any]:
            yield from self._run(next(inputs), config, form, options).stream()

        yield from self.owner._transform_stream_with_config(
            iter([asked]),
            run,  # type: ignore[arg-type]
            self._config(config),
        )

    async def astream(
        self, asked: LanguageModelInput, config: RunnableConfig | None, form: Form, options: Options
    ) -> AsyncIterator[Any]:
        """The same, read on the loop."""

        async def run(
            inputs: AsyncIterator[LanguageModelInput], config: RunnableConfig
        ) -> AsyncIterator[Any]:
            bridge = Bridge()
            chunks = self._run(await anext(inputs), config, form, options, bridge).stream()
            async with aclosing(bridge.each(chunks)) as made:
                async for chunk in made:
                    yield chunk

        async def inputs() -> AsyncIterator[LanguageModelInput]:
            yield asked

        source = self.owner._atransform_stream_with_config(
            inputs(),
            run,  # type: ignore[arg-type]
            self._config(config),
        )
        async with aclosing(source) as read:  # type: ignore[type-var]
            async for chunk in read:
                yield chunk

    def _run(
        self,
        asked: LanguageModelInput,
        config: RunnableConfig,
        form: Form,
        options: Options,
        bridge: Bridge | None = None,
    ) -> Run:
        messages = self.owner._convert_input(asked).to_messages()
        return Run(self.policy, form, messages, config, options, bridge=bridge)

    def _config(self, config: RunnableConfig | None) -> RunnableConfig:
        """What the chat model has of its own holds for the models' runs, too."""
        own, owner = RunnableConfig(), self.owner
        if owner.callbacks:
            own["callbacks"] = owner.callbacks
        if owner.tags:
            own["tags"] = owner.tags
        if owner.metadata:
            own["metadata"] = owner.metadata
        return merge_configs(own, config)
