"""A query engine that answers what was asked before without retrieving or calling a model."""

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypedDict

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.response.schema import (
    RESPONSE_TYPE,
    AsyncStreamingResponse,
    PydanticResponse,
    Response,
    StreamingResponse,
)
from llama_index.core.callbacks import CallbackManager, CBEventType, EventPayload
from llama_index.core.callbacks.base import EventContext
from llama_index.core.prompts.mixin import PromptDictType, PromptMixinType
from llama_index.core.schema import NodeWithScore, QueryBundle, QueryType

from llama_index_ragthrift.cache.asking import Asking, begun
from llama_index_ragthrift.cache.scopes import ScopeFor, prompts_part, scope_for
from llama_index_ragthrift.cache.sources import Sources
from llama_index_ragthrift.cache.streams import tokens, tokens_at_once
from llama_index_ragthrift.ledger.hits import tell_hit
from ragthrift import InputError, Scope
from ragthrift.bridge import Bridge
from ragthrift.cache import Answer, SemanticCache
from ragthrift.cache.replay import pieces

MARK = "ragthrift_cache"
"""The key of a response's metadata that says that no model was called for it."""


class _Named(TypedDict):
    scope: Scope
    user: str | None


class CachedQueryEngine(BaseQueryEngine):
    """Any query engine behind a `SemanticCache`.

    `scope` names whatever can change an answer (tenant, model, corpus), for all questions or, as
    a function of the query, for each. The engine's prompt templates are added to it. `user` does
    the same for `Rules(share_after_users=...)`.

    An answer comes back with the source nodes that it was built from. `streaming=True` is for an
    engine that streams: `query` then gives a `StreamingResponse` and `aquery` an
    `AsyncStreamingResponse`, from the engine or the cache. Responses without source nodes and
    those of an `output_cls` pass through and are not kept, and a query that brings a picture or
    strings of its own to embed goes to the engine unseen.
    """

    def __init__(
        self,
        query_engine: BaseQueryEngine,
        cache: SemanticCache,
        *,
        scope: ScopeFor,
        user: Callable[[QueryBundle], str | None] | None = None,
        streaming: bool = False,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        super().__init__(callback_manager or query_engine.callback_manager)
        retrieves = type(query_engine).synthesize is not BaseQueryEngine.synthesize
        if cache.freshness.mode != "before_retrieval" and not retrieves:
            raise InputError(
                f"a {type(query_engine).__name__} cannot retrieve first, as the cache's mode "
                f"{cache.freshness.mode!r} asks for; use Freshness('before_retrieval') or wrap the "
                "RetrieverQueryEngine"
            )
        self._engine, self._cache = query_engine, cache
        self._scope, self._user, self._streaming = scope, user, streaming

    def scope_of(self, query: QueryType) -> Scope:
        """The scope that a question is asked in, with the digest of the engine's prompts.

        For `cache.explain`, and to import answers for this engine.
        """
        query = QueryBundle(query) if isinstance(query, str) else query
        return scope_for(self._scope, query, prompts=prompts_part(self.get_prompts()))

    def retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        """What the engine retrieves; nothing of it is cached."""
        return self._engine.retrieve(query_bundle)

    def synthesize(
        self,
        query_bundle: QueryBundle,
        nodes: list[NodeWithScore],
        additional_source_nodes: Sequence[NodeWithScore] | None = None,
    ) -> RESPONSE_TYPE:
        """What the engine makes of nodes; nothing of it is cached."""
        return self._engine.synthesize(query_bundle, nodes, additional_source_nodes)

    async def asynthesize(
        self,
        query_bundle: QueryBundle,
        nodes: list[NodeWithScore],
        additional_source_nodes: Sequence[NodeWithScore] | None = None,
    ) -> RESPONSE_TYPE:
        """What the engine makes of nodes; nothing of it is cached."""
        return await self._engine.asynthesize(query_bundle, nodes, additional_source_nodes)

    # Not the engine as a module of its own: update_prompts knows of one level only.
    def _get_prompt_modules(self) -> PromptMixinType:
        return self._engine._get_prompt_modules()

    def _get_prompts(self) -> dict[str, Any]:
        return self._engine._get_prompts()

    def _update_prompts(self, prompts: PromptDictType) -> None:
        self._engine._update_prompts(prompts)

    def _query(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        if _brings_its_own(query_bundle):
            return self._engine.query(query_bundle)
        asking = Asking(self._engine, query_bundle)
        with self._told(query_bundle) as event:
            response = self._ask(asking, self._named(query_bundle))
            event.on_end(payload={EventPayload.RESPONSE: response})
        return response

    async def _aquery(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        if _brings_its_own(query_bundle):
            return await self._engine.aquery(query_bundle)
        bridge = Bridge()
        asking = Asking(self._engine, query_bundle, bridge=bridge)
        with self._told(query_bundle) as event:
            named = self._named(query_bundle)
            # Others may wait for this answer: it is made to its end, even if its asker gives up.
            made = await asyncio.shield(bridge.call(partial(self._ask, asking, named)))
            response = _awaited(made, bridge)
            event.on_end(payload={EventPayload.RESPONSE: response})
        return response

    def _told(self, query: QueryBundle) -> AbstractContextManager[EventContext]:
        payload: dict[str, Any] = {EventPayload.QUERY_STR: query.query_str}
        return self.callback_manager.event(CBEventType.QUERY, payload=payload)

    def _named(self, query: QueryBundle) -> _Named:
        """Called where the question is asked, so that context variables are those of the asker."""
        return {"scope": self.scope_of(query), "user": self._user(query) if self._user else None}

    def _ask(self, asking: Asking, named: _Named) -> RESPONSE_TYPE:
        first = self._cache.freshness.mode != "before_retrieval"
        retrieve = asking.retrieve if first else None
        question = asking.query.query_str
        if not self._streaming:
            answer = self._cache.answer(question, asking.answer, retrieve=retrieve, **named)
            made = asking.response if answer.source == "model" else None
            return made or _again(asking, answer)
        source = self._cache.stream(question, asking.pieces, retrieve=retrieve, **named)
        found = begun(source)
        return _as_it_comes(asking, source) if found is None else _as_stream(_again(asking, found))


def _brings_its_own(query: QueryBundle) -> bool:
    """Whether the answer depends on more than the question's words."""
    return bool(query.image_path or query.custom_embedding_strs)


def _again(asking: Asking, answer: Answer) -> RESPONSE_TYPE:
    """The response that an answer was, marked; the engine's own if it was not a text."""
    if not answer.text:
        return asking.respond()
    tell_hit(asking.query.query_str, answer.text)
    sources, hit = Sources.from_bytes(answer.extra), answer.lookup.hit
    mark: dict[str, object] = {"source": answer.source}
    if hit:
        mark |= {"question": hit.question, "similarity": float(hit.similarity)}
        mark |= {"confidence": float(hit.confidence)}
    return Response(answer.text, sources.nodes, sources.metadata | {MARK: mark})


def _as_it_comes(asking: Asking, source: Generator[str, None, Answer]) -> RESPONSE_TYPE:
    response = asking.response
    if response is None or isinstance(response, PydanticResponse):
        source.close()
        return response or asking.respond()
    return StreamingResponse(tokens(source), response.source_nodes, response.metadata)


def _as_stream(response: RESPONSE_TYPE) -> RESPONSE_TYPE:
    if not isinstance(response, Response):
        return response
    again = tokens(pieces(response.response or ""))
    return StreamingResponse(again, response.source_nodes, response.metadata)


def _awaited(response: RESPONSE_TYPE, bridge: Bridge) -> RESPONSE_TYPE:
    if not isinstance(response, StreamingResponse):
        return response
    source = response.response_gen
    cached = MARK in (response.metadata or {})
    values = tokens_at_once(source) if cached else bridge.each(source)
    return AsyncStreamingResponse(values, response.source_nodes, response.metadata)
