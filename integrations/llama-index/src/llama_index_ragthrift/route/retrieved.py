"""What was retrieved for the question under way, on its way to the router."""

from contextvars import ContextVar

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle

from llama_index_ragthrift.nodes import NodePassages
from ragthrift import Passage

_RETRIEVED: ContextVar[tuple[Passage, ...]] = ContextVar("ragthrift_retrieved", default=())


class RoutingPostprocessor(BaseNodePostprocessor):
    """Lets a `RouterLLM` see the nodes and their scores; changes nothing. Put it last.

    >>> from llama_index.core.schema import NodeWithScore, TextNode
    >>> nodes = [NodeWithScore(node=TextNode(text="Ann did."), score=0.9)]
    >>> RoutingPostprocessor().postprocess_nodes(nodes, query_str="Who?") is nodes
    True
    >>> [(passage.text, passage.score) for passage in retrieved_in("Who? Ann did.")]
    [('Ann did.', 0.9)]
    """

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex serialises the class under."""
        return "RoutingPostprocessor"

    def _postprocess_nodes(
        self,
        nodes: list[NodeWithScore],
        query_bundle: QueryBundle | None = None,  # noqa: ARG002
    ) -> list[NodeWithScore]:
        _RETRIEVED.set(tuple(NodePassages(nodes).passages))
        return nodes

    # LlamaIndex's own runs the other in a thread, whose context nobody sees.
    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        return self._postprocess_nodes(nodes, query_bundle)


def retrieved_in(prompt: str) -> tuple[Passage, ...]:
    """The retrieved passages that a prompt holds: those of another question it does not."""
    return tuple(passage for passage in _RETRIEVED.get() if passage.text in prompt)
