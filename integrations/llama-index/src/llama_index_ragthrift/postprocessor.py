"""Any ragthrift steps as a LlamaIndex node postprocessor."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.callbacks import CallbackManager, CBEventType, EventPayload
from llama_index.core.instrumentation import get_dispatcher  # type: ignore[attr-defined]
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle

from llama_index_ragthrift.headers import under_headers
from llama_index_ragthrift.nodes import NodePassages
from ragthrift import InputError, Pipeline, Run
from ragthrift.pipeline import OnError
from ragthrift.protocols import Compressor, Reranker, Step, TokenCounter

dispatcher = get_dispatcher(__name__)


class RagthriftPostprocessor(BaseNodePostprocessor):
    """Reranks and shortens retrieved nodes by any ragthrift steps, in order.

    >>> from llama_index.core.schema import NodeWithScore, TextNode
    >>> first_only = RagthriftPostprocessor([lambda query, passages: passages[:1]])
    >>> nodes = [NodeWithScore(node=TextNode(text=text)) for text in ("Ann did.", "Bob did not.")]
    >>> [node.text for node in first_only.postprocess_nodes(nodes, query_str="Who?")]
    ['Ann did.']

    Nodes keep their ids, relationships, metadata and class, and the given ones are not touched. A
    reranker reads the text under the metadata that `metadata_mode` selects, and any other step
    the bare text: a header never gets into a node. Nodes without text are passed on, last.

    Without a query it raises `InputError`, whatever `on_error` says.
    """

    steps: tuple[Any, ...] = Field(
        exclude=True, frozen=True, description="Rerankers, compressors and functions, in order."
    )
    token_counter: Any = Field(
        default=None, exclude=True, frozen=True, description="Counts what the steps saved."
    )
    on_error: OnError = Field(
        default="pass", frozen=True, description="Pass over a failing step, or raise its error."
    )
    on_run: Callable[[Run], None] | None = Field(
        default=None, exclude=True, frozen=True, description="Called with every run."
    )
    metadata_mode: MetadataMode = Field(
        default=MetadataMode.EMBED, frozen=True, description="Which metadata a reranker reads."
    )
    _pipeline: Pipeline = PrivateAttr()

    def __init__(
        self,
        steps: Iterable[Step | Reranker | Compressor],
        *,
        token_counter: TokenCounter | None = None,
        on_error: OnError = "pass",
        on_run: Callable[[Run], None] | None = None,
        metadata_mode: MetadataMode = MetadataMode.EMBED,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        if not isinstance(steps, Iterable):
            raise InputError(f"steps={steps!r} must be a list of steps: put it in brackets")
        steps = tuple(steps)
        pipeline = Pipeline(
            [under_headers(step, metadata_mode) for step in steps],
            token_counter=token_counter,
            on_error=on_error,
            on_run=on_run,
        )
        fields: dict[str, Any] = {
            "steps": steps,
            "token_counter": token_counter,
            "on_error": on_error,
            "on_run": on_run,
            "metadata_mode": metadata_mode,
            "callback_manager": callback_manager or CallbackManager(),
        }
        super().__init__(**fields)
        self._pipeline = pipeline

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex serialises the class under."""
        return "RagthriftPostprocessor"

    @property
    def failures(self) -> dict[str, int]:
        """How often each step failed and was passed over, by step name."""
        return self._pipeline.failures

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        query = _required(query_bundle)
        with self._reranking(nodes, query) as kept:
            batch = NodePassages(nodes)
            run = self._pipeline.run(query.query_str, batch.passages)
            kept.extend(batch.to_nodes(run.passages))
        return kept

    @dispatcher.span  # LlamaIndex puts one around abstract methods only
    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        query = _required(query_bundle)
        with self._reranking(nodes, query) as kept:
            batch = NodePassages(nodes)
            run = await asyncio.to_thread(self._pipeline.run, query.query_str, batch.passages)
            kept.extend(batch.to_nodes(run.passages))
        return kept

    @contextmanager
    def _reranking(
        self, nodes: list[NodeWithScore], query: QueryBundle
    ) -> Iterator[list[NodeWithScore]]:
        """Tell both of LlamaIndex's channels; the list that is yielded is filled by the caller."""
        kept: list[NodeWithScore] = []
        names = ", ".join(getattr(step, "__name__", type(step).__name__) for step in self.steps)
        most = len(nodes)  # all that is known before the steps have run: nodes never become more
        dispatcher.event(ReRankStartEvent(query=query, nodes=nodes, top_n=most, model_name=names))
        payload: dict[str, Any] = {
            EventPayload.NODES: nodes,
            EventPayload.MODEL_NAME: names,
            EventPayload.QUERY_STR: query.query_str,
            EventPayload.TOP_K: most,
        }
        with self.callback_manager.event(CBEventType.RERANKING, payload=payload) as event:
            yield kept
            event.on_end(payload={EventPayload.NODES: kept})
        dispatcher.event(ReRankEndEvent(nodes=kept))


def _required(query: QueryBundle | None) -> QueryBundle:
    if query is None:
        raise InputError(
            "RagthriftPostprocessor needs a query: "
            "postprocess_nodes(nodes, query_str=...) or query_bundle=..."
        )
    return query
