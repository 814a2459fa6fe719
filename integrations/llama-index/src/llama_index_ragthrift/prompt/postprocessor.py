"""Retrieved nodes in an order that caches serve."""

from collections.abc import Sequence

from llama_index.core.bridge.pydantic import Field
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle

from ragthrift.provider_cache import canonical_order


class CanonicalOrder(BaseNodePostprocessor):
    """Puts the nodes that many questions share first, always in the same order.

    The others follow, the best last, where it stands next to the question. Give it last, after
    rerankers: nothing is dropped, and scores stay.

    >>> from llama_index.core.schema import TextNode
    >>> nodes = [NodeWithScore(node=TextNode(id_=name, text=name)) for name in ("soup", "rules")]
    >>> [node.node_id for node in CanonicalOrder(["rules"]).postprocess_nodes(nodes)]
    ['rules', 'soup']
    """

    hot: tuple[str, ...] = Field(
        frozen=True, description="Ids of nodes that many questions share, in their order."
    )

    def __init__(self, hot: Sequence[str]) -> None:
        super().__init__(hot=tuple(hot))  # type: ignore[call-arg]  # pydantic's own signature

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex serialises the class under."""
        return "CanonicalOrder"

    def _postprocess_nodes(
        self,
        nodes: list[NodeWithScore],
        query_bundle: QueryBundle | None = None,  # noqa: ARG002 - the framework's signature
    ) -> list[NodeWithScore]:
        return canonical_order(nodes[::-1], self.hot, lambda node: node.node_id)
