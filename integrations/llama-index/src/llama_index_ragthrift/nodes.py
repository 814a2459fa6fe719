"""Nodes as passages and back, so that no citation is lost on the way."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from llama_index.core.schema import BaseNode, MetadataMode, Node, NodeWithScore

from ragthrift import Passage


@dataclass(frozen=True, slots=True)
class NodePassage(Passage):
    """The bare text of a node, which it remembers."""

    node: BaseNode = field(kw_only=True, compare=False, repr=False)

    def under_header(self, mode: MetadataMode) -> str:
        """The text as it is now, with the node's metadata around it as `mode` selects them."""
        return with_text(self.node, self.text).get_content(metadata_mode=mode)


class NodePassages:
    """The nodes of one call as passages, and the way back.

    A passage has the id of its node; where an id comes again, it gets a number (`"a#2"`), so that
    each passage leads to its own node. Nodes without text cannot be judged by text: they are not
    among the passages, and come last on the way back.
    """

    def __init__(self, nodes: Sequence[NodeWithScore]) -> None:
        self._textless = [node for node in nodes if not bare_text(node.node).strip()]
        self._nodes = dict(_with_ids([node for node in nodes if bare_text(node.node).strip()]))
        self.passages = [_to_passage(id_, node) for id_, node in self._nodes.items()]

    def to_nodes(self, passages: Iterable[Passage]) -> list[NodeWithScore]:
        """New nodes with the passages' scores and texts; the given ones stay as they are."""
        kept = [_rescored(self._nodes[passage.id], passage) for passage in passages]
        return kept + [node.model_copy() for node in self._textless]


def bare_text(node: BaseNode) -> str:
    """The text of a node without metadata; empty if it has none."""
    return node.get_content(metadata_mode=MetadataMode.NONE)


def with_text(node: BaseNode, text: str) -> BaseNode:
    """The node itself if that is its text already, else a copy that has it.

    The copy has dicts of its own, since postprocessors are known to write into them.
    """
    if text == bare_text(node):
        return node
    own = {"metadata": dict(node.metadata), "relationships": dict(node.relationships)}
    copy = node.model_copy(update=own)
    if isinstance(copy, Node) and copy.text_resource is not None:
        # set_content would drop the resource's type, path and embeddings.
        copy.text_resource = copy.text_resource.model_copy(update={"text": text})
    else:
        copy.set_content(text)
    return copy


def _with_ids(nodes: Sequence[NodeWithScore]) -> Iterator[tuple[str, NodeWithScore]]:
    taken = {node.node_id for node in nodes}
    seen: set[str] = set()
    for node in nodes:
        id_ = node.node_id
        if id_ in seen or not id_:
            numbered = (f"{node.node_id}#{n}" for n in count(2))
            id_ = next(new for new in numbered if new not in taken)
            taken.add(id_)
        seen.add(id_)
        yield id_, node


def _to_passage(id_: str, scored: NodeWithScore) -> NodePassage:
    node = scored.node
    score = None if scored.score is None else float(scored.score)
    return NodePassage(bare_text(node), id_, score, dict(node.metadata), node=node)


def _rescored(scored: NodeWithScore, passage: Passage) -> NodeWithScore:
    score = None if passage.score is None else float(passage.score)
    node = with_text(scored.node, passage.text)
    return scored.model_copy(update={"node": node, "score": score})
