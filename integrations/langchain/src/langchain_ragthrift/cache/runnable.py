"""A chain behind a cache: keyed on the question, so that a hit skips retrieval, too."""

import logging
from collections import Counter
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Generator,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.base import coerce_to_runnable
from langchain_core.runnables.utils import ConfigurableFieldSpec
from langchain_core.utils.pydantic import TypeBaseModel
from typing_extensions import override

from langchain_ragthrift.cache.outputs import Reader, Said, evidence, given_again
from langchain_ragthrift.cache.question import Question, asked_in
from langchain_ragthrift.cache.replaying import Piece, chunks_of, joined, own_chunks
from langchain_ragthrift.cache.scopes import Parts, as_scope, digest, named_by, turns
from langchain_ragthrift.cache.witness import Witness
from langchain_ragthrift.ledger.hits import tell_hit
from ragthrift import InputError, Passage, Scope
from ragthrift.bridge import Bridge
from ragthrift.cache import Answer, Fresh, Retrieve, SemanticCache

log = logging.getLogger(__name__)

Input = TypeVar("Input")
Output = TypeVar("Output")
Retriever = Runnable[str, Any] | Callable[..., Any]
"""`question -> documents`; a function may take the config besides."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One question to the chain."""

    given: Any
    question: str
    scope: Scope
    user: str | None
    config: RunnableConfig
    retrieve: Retrieve | None


class CachedRunnable(Runnable[Input, Output]):
    """Any chain behind a `SemanticCache`; it is invoked and streamed like the chain.

    `question` is the key of the question in a dict, or a function of the input; a chain that takes
    a str needs none. `scope` names whatever else can change an answer: tenant, model, corpus; it
    is a dict, or a function of input and config. What the chain is given besides the question
    becomes part of the scope by itself: the other keys of a dict, except those named in `ignore`,
    the configurable fields that the chain declares, and arguments of the call.

    The chain's output is a str, an AI message, or a dict with one of them under `answer_key`.
    Documents in it, and those that the chain's retrievers and tools find, are the evidence; each
    belongs to the document that its metadata names under `document_key`, else `document_id`, else
    to its own id. Any other output passes through: it is counted in `unkept`, and logged once.

    `retrieve`, a retriever or a function of the question, finds the documents that a cache with
    `Freshness("after_retrieval")` or `"auto"` compares an answer's evidence with: give the chain's
    own. The chain retrieves by itself all the same, if it must be asked.

    >>> from langchain_core.runnables import RunnableLambda
    >>> cached = CachedRunnable(SemanticCache(None), RunnableLambda(str.upper), scope={})
    >>> cached.invoke("When is soup?"), cached.invoke("when is soup?")
    ('WHEN IS SOUP?', 'WHEN IS SOUP?')
    """

    name: str | None = "SemanticCache"

    def __init__(  # noqa: PLR0913 - each says one thing about a chain, by name
        self,
        cache: SemanticCache,
        chain: Runnable[Input, Output],
        *,
        scope: Parts | Callable[[Any, RunnableConfig], Parts],
        question: Question | None = None,
        answer_key: str = "answer",
        document_key: str | None = None,
        ignore: Collection[str] = (),
        user: Callable[[Any, RunnableConfig], str | None] | None = None,
        retrieve: Retriever | None = None,
    ) -> None:
        if isinstance(ignore, str):
            raise InputError(f'ignore={ignore!r} must be a collection of keys: ("{ignore}",)')
        if retrieve is None and cache.freshness.mode == "after_retrieval":
            raise InputError(
                "a cache in mode 'after_retrieval' serves nothing here without retrieve=..., the "
                "chain's retriever"
            )
        self._cache, self._chain = cache, chain
        self._scope, self._question, self._user = scope, question, user
        self._reader = Reader(answer_key, document_key)
        self._ignored = frozenset(ignore)
        self._retriever = None if retrieve is None else coerce_to_runnable(retrieve)
        self.unkept: Counter[str] = Counter()
        """Outputs that passed through since they could not be written down, by type."""

    @override
    def invoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        def run(given: Input, config: RunnableConfig) -> Output:
            call = self._call(given, config, kwargs)
            return self._answer(call, lambda c: self._chain.invoke(given, c, **kwargs))

        return self._call_with_config(run, input, config)  # type: ignore[arg-type]

    @override
    async def ainvoke(
        self, input: Input, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Output:
        async def run(given: Input, config: RunnableConfig) -> Output:
            bridge = Bridge()

            def ask(watched: RunnableConfig) -> Output:
                return bridge.wait(_ainvoked(self._chain, given, watched, kwargs))

            call = self._call(given, config, kwargs, bridge)
            return await bridge.call(partial(self._answer, call, ask))

        return await self._acall_with_config(run, input, config)  # type: ignore[arg-type]

    @override
    def stream(
        self, input: Input, config: RunnableConfig | None = None, **kwargs: Any | None
    ) -> Iterator[Output]:
        def run(inputs: Iterator[Input], config: RunnableConfig) -> Iterator[Output]:
            given = next(inputs)
            call = self._call(given, config, kwargs)
            yield from self._chunks(call, lambda c: self._chain.stream(given, c, **kwargs))

        yield from self._transform_stream_with_config(iter([input]), run, config)  # type: ignore[arg-type]

    @override
    async def astream(
        self, input: Input, config: RunnableConfig | None = None, **kwargs: Any | None
    ) -> AsyncIterator[Output]:
        async def run(
            inputs: AsyncIterator[Input], config: RunnableConfig
        ) -> AsyncIterator[Output]:
            given = await anext(inputs)
            bridge = Bridge()

            def ask(watched: RunnableConfig) -> Iterator[Output]:
                return bridge.values(self._chain.astream(given, watched, **kwargs))

            call = self._call(given, config, kwargs, bridge)
            async for chunk in bridge.each(self._chunks(call, ask)):
                yield chunk

        chunks = self._atransform_stream_with_config(_one(input), run, config)  # type: ignore[arg-type]
        async for chunk in chunks:
            yield chunk

    def _call(
        self,
        given: Any,
        config: RunnableConfig,
        kwargs: Mapping[str, Any],
        bridge: Bridge | None = None,
    ) -> _Call:
        asked = asked_in(given, self._question)
        others: dict[str, Any] = {}
        if isinstance(given, Mapping):
            taken = {self._question, *self._ignored}
            others = {key: value for key, value in given.items() if key not in taken}
            others = {key: value for key, value in others.items() if value is not None}
        said = [value for value in others.values() if turns(value)]
        scope = as_scope(
            named_by(self._scope, given, config),
            earlier=asked.earlier or digest(said),
            chain_input=digest(others),
            chain_config=digest(self._declared(config)),
            chain_arguments=digest(kwargs),
        )
        user = self._user(given, config) if self._user else None
        retrieve = self._retrieving(config, bridge)
        return _Call(given, asked.question, scope, user, config, retrieve)

    def _retrieving(self, config: RunnableConfig, bridge: Bridge | None) -> Retrieve | None:
        """What finds the passages of now, where the cache compares them."""
        retriever = self._retriever
        if retriever is None or self._cache.freshness.mode == "before_retrieval":
            return None

        def retrieve(question: str) -> list[Passage]:
            if bridge:
                found = bridge.wait(_ainvoked(retriever, question, config, {}))
            else:
                found = retriever.invoke(question, config)
            return evidence(found, self._reader.document_key)

        return retrieve

    def _declared(self, config: RunnableConfig) -> dict[str, Any]:
        """Values for fields that the chain says it reads."""
        given = config.get("configurable", {})
        named = (spec.id for spec in self._chain.config_specs)
        return {name: given[name] for name in named if given.get(name) is not None}

    def _answer(self, call: _Call, ask: Callable[[RunnableConfig], Output]) -> Output:
        """Blocking: the output from the cache or from the chain."""

        def compute(_: str, passages: Sequence[Passage]) -> Said:
            witness = Witness()
            output = ask(witness.watching(call.config))
            return self._said(output, call, witness).built_from(passages)

        answer = self._cache.answer(
            call.question, compute, scope=call.scope, user=call.user, retrieve=call.retrieve
        )
        if answer.source == "model" and isinstance(answer.fresh, Said):
            output: Output = answer.fresh.output
            return output
        return ask(call.config) if (again := self._again(answer, call)) is None else again

    def _chunks(
        self, call: _Call, ask: Callable[[RunnableConfig], Iterator[Output]]
    ) -> Generator[Output, None, None]:
        """Blocking: the chunks of the chain as they come, or those of the cache's output."""

        def compute(_: str, passages: Sequence[Passage]) -> Iterator[str | Fresh]:
            witness, chunks = Witness(), []
            for chunk in ask(witness.watching(call.config)):
                chunks.append(chunk)
                yield Piece.of(chunk, self._reader.answer_key)
            yield self._said(joined(chunks), call, witness).built_from(passages)

        source = self._cache.stream(
            call.question, compute, scope=call.scope, user=call.user, retrieve=call.retrieve
        )
        answer = yield from own_chunks(source)
        if answer.source != "model":
            output = self._again(answer, call)
            again = chunks_of(output, self._reader.answer_key)
            yield from ask(call.config) if output is None else again

    def _again(self, answer: Answer, call: _Call) -> Any:
        """What the cache has; `None` where the chain must be asked for this caller alone."""
        output = given_again(answer.extra, call.given, answer)
        if output is not None:
            tell_hit(call.config, call.question, answer.text)
        return output

    def _said(self, output: Any, call: _Call, witness: Witness) -> Said:
        said = self._reader.said(output, call.given, witness)
        if said.unkept:
            kind = "dict" if isinstance(output, Mapping) else type(output).__name__
            if not self.unkept[kind]:
                log.warning("a chain's answer is not cached: %s (logged once)", said.unkept)
            self.unkept[kind] += 1
        return said

    @property
    @override
    def InputType(self) -> type[Input]:
        return self._chain.InputType

    @property
    @override
    def OutputType(self) -> type[Output]:
        return self._chain.OutputType

    @override
    def get_input_schema(self, config: RunnableConfig | None = None) -> TypeBaseModel:
        return self._chain.get_input_schema(config)

    @override
    def get_output_schema(self, config: RunnableConfig | None = None) -> TypeBaseModel:
        return self._chain.get_output_schema(config)

    @property
    @override
    def config_specs(self) -> list[ConfigurableFieldSpec]:
        return self._chain.config_specs


async def _ainvoked(
    chain: Runnable[Input, Output], given: Input, config: RunnableConfig, kwargs: dict[str, Any]
) -> Output:
    return await chain.ainvoke(given, config, **kwargs)


async def _one(value: Input) -> AsyncIterator[Input]:
    yield value
