"""Tells a router what was retrieved, where only a chain knows it."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

from langchain_core.documents import Document
from langchain_core.runnables import Runnable, RunnableConfig
from typing_extensions import override

from langchain_ragthrift.convert import to_passages
from ragthrift import InputError, Passage

Input = TypeVar("Input")
Output = TypeVar("Output")
Documents = str | Callable[[Any], Sequence[Document]]
"""The key of the documents in a chain's input, or a function of the input."""

_RETRIEVED: ContextVar[tuple[Passage, ...] | None] = ContextVar("retrieved", default=None)


def retrieved() -> tuple[Passage, ...] | None:
    """What `with_passages` says was retrieved for the call under way; `None` outside of it."""
    return _RETRIEVED.get()


class with_passages(Runnable[Input, Output]):  # noqa: N801 - it is used like a function
    """A chain whose routers know the documents that its input holds.

    >>> from langchain_core.runnables import RunnableLambda
    >>> inner = RunnableLambda(lambda _: [passage.text for passage in retrieved()])
    >>> with_passages(inner, "context").invoke({"context": [Document("Soup is at noon.")]})
    ['Soup is at noon.']
    """

    def __init__(self, chain: Runnable[Input, Output], documents: Documents) -> None:
        self._chain, self._documents = chain, documents

    @override
    def invoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        def run(given: Input, config: RunnableConfig) -> Output:
            self._tell(given)
            return self._chain.invoke(given, config, **kwargs)

        return self._call_with_config(run, input, config)  # type: ignore[arg-type]

    @override
    async def ainvoke(
        self, input: Input, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Output:
        async def run(given: Input, config: RunnableConfig) -> Output:
            self._tell(given)
            return await self._chain.ainvoke(given, config, **kwargs)

        return await self._acall_with_config(run, input, config)  # type: ignore[arg-type]

    @override
    def stream(
        self, input: Input, config: RunnableConfig | None = None, **kwargs: Any | None
    ) -> Iterator[Output]:
        def run(inputs: Iterator[Input], config: RunnableConfig) -> Iterator[Output]:
            given = next(inputs)
            self._tell(given)
            yield from self._chain.stream(given, config, **kwargs)

        yield from self._transform_stream_with_config(iter([input]), run, config)  # type: ignore[arg-type]

    @override
    async def astream(
        self, input: Input, config: RunnableConfig | None = None, **kwargs: Any | None
    ) -> AsyncIterator[Output]:
        async def run(
            inputs: AsyncIterator[Input], config: RunnableConfig
        ) -> AsyncIterator[Output]:
            given = await anext(inputs)
            self._tell(given)
            async for chunk in self._chain.astream(given, config, **kwargs):
                yield chunk

        async def inputs() -> AsyncIterator[Input]:
            yield input

        async for chunk in self._atransform_stream_with_config(inputs(), run, config):  # type: ignore[arg-type]
            yield chunk

    def _tell(self, given: Any) -> None:
        """For the rest of this run: LangChain gives each run a context of its own."""
        if callable(self._documents):
            found: Any = self._documents(given)
        elif isinstance(given, Mapping) and self._documents in given:
            found = given[self._documents]
        else:
            raise InputError(
                f"with_passages looks for documents under {self._documents!r}, which the input "
                "lacks; name their key, or give a function of the input"
            )
        _RETRIEVED.set(tuple(to_passages(found)))
