"""A router that gives objects."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.runnables import Runnable, RunnableConfig
from typing_extensions import override

from langchain_ragthrift.route.asking import Asking
from langchain_ragthrift.route.objects import ObjectForm


class StructuredRouter(Runnable[LanguageModelInput, Any]):
    """What `RouterChatModel.with_structured_output` gives.

    The router sees the message: one that does not fit the schema goes back to its tier once, with
    the complaint, and then up. In a stream it is the chosen tier's.
    """

    def __init__(self, asking: Asking, form: ObjectForm) -> None:
        self._asking, self._form = asking, form

    @override
    def invoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Any:
        return self._form.given(self._asking.invoke(input, config, self._form, kwargs))

    @override
    async def ainvoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Any:
        return self._form.given(await self._asking.ainvoke(input, config, self._form, kwargs))

    @override
    def stream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Any]:
        yield from self._asking.stream(input, config, self._form, kwargs)

    @override
    async def astream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        async with aclosing(self._asking.astream(input, config, self._form, kwargs)) as parts:  # type: ignore[type-var]
            async for part in parts:
                yield part
