"""One question to a query engine, asked from a thread or from an event loop."""

from collections.abc import Generator, Sequence

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.response.schema import (
    RESPONSE_TYPE,
    AsyncStreamingResponse,
    Response,
    StreamingResponse,
)
from llama_index.core.schema import NodeWithScore, QueryBundle

from llama_index_ragthrift.cache.sources import Sources, to_passages
from ragthrift import InputError, Passage
from ragthrift.bridge import Bridge
from ragthrift.cache import Answer, Fresh
from ragthrift.cache.replay import pieces

BEGUN = ""
"""The first piece of a stream that comes from the engine; no stored piece is empty."""


class Asking:
    """Asks the engine when the cache cannot answer, and remembers what it said."""

    def __init__(
        self, engine: BaseQueryEngine, query: QueryBundle, *, bridge: Bridge | None = None
    ) -> None:
        self._engine, self.query, self._bridge = engine, query, bridge
        self._nodes: list[NodeWithScore] | None = None
        self.response: RESPONSE_TYPE | None = None

    def retrieve(self, question: str) -> list[Passage]:  # noqa: ARG002 - it is in the query
        """What the engine finds now; it is used if the engine must answer."""
        awaited = getattr(self._engine, "aretrieve", None)
        if self._bridge and awaited:
            self._nodes = list(self._bridge.wait(awaited(self.query)))
        else:
            self._nodes = self._engine.retrieve(self.query)
        return to_passages(self._nodes)

    def respond(self) -> RESPONSE_TYPE:
        """What the engine says."""
        engine, query, nodes, bridge = self._engine, self.query, self._nodes, self._bridge
        if nodes is None:
            response = bridge.wait(engine.aquery(query)) if bridge else engine.query(query)
        elif bridge:
            response = bridge.wait(engine.asynthesize(query, nodes))
        else:
            response = engine.synthesize(query, nodes)
        self.response = response
        return response

    def answer(self, question: str, passages: Sequence[Passage]) -> Fresh:  # noqa: ARG002
        """For `SemanticCache.answer`."""
        response = self.respond()
        if isinstance(response, StreamingResponse | AsyncStreamingResponse):
            raise InputError(
                "the query engine streams: pass CachedQueryEngine(..., streaming=True)"
            )
        return self._fresh(response)

    def pieces(
        self,
        question: str,  # noqa: ARG002
        passages: Sequence[Passage],  # noqa: ARG002
    ) -> Generator[str | Fresh, None, None]:
        """For `SemanticCache.stream`: `BEGUN`, the pieces, and what they were built from."""
        response = self.respond()
        yield BEGUN
        if isinstance(response, StreamingResponse):
            yield from response.response_gen
        elif isinstance(response, AsyncStreamingResponse) and self._bridge:
            yield from self._bridge.values(response.async_response_gen())
        elif isinstance(response, Response):
            yield from pieces(response.response or "")
        yield self._fresh(response)

    def _fresh(self, response: RESPONSE_TYPE) -> Fresh:
        """Without a text unless it is a text: an object of the user's own class is not kept.

        What was retrieved first is the evidence, since that is what is compared later.
        """
        text = (response.response or "") if isinstance(response, Response) else ""
        passages = to_passages(response.source_nodes) if self._nodes is None else None
        sources = Sources(response.source_nodes, response.metadata or {})
        return Fresh(text, passages, extra=sources.to_bytes())


def begun(source: Generator[str, None, Answer]) -> Answer | None:
    """The whole answer if it is there already; `None` if the engine is making it."""
    try:
        if next(source) == BEGUN:
            return None
        while True:
            next(source)
    except StopIteration as end:
        answer: Answer = end.value
        return answer
