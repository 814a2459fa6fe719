"""The nodes that an answer was built from: as its evidence, and kept beside it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llama_index.core.constants import DATA_KEY
from llama_index.core.schema import BaseNode, NodeWithScore, TextNode
from llama_index.core.storage.docstore.utils import doc_to_json, json_to_doc

from llama_index_ragthrift.nodes import bare_text
from ragthrift import Passage


def to_passages(nodes: Sequence[NodeWithScore]) -> list[Passage]:
    """The nodes as evidence: each names its source document and the version it was cut from.

    The version is the node's metadata `version` or `content_hash`, else the `hash` that the source
    document had, by which LlamaIndex itself notices that a document changed.
    """
    return [_to_passage(scored.node) for scored in nodes]


def _to_passage(node: BaseNode) -> Passage:
    source, known = node.source_node, node.metadata
    version = known.get("version", known.get("content_hash", source.hash if source else None))
    # Not the node's own hash: a postprocessor that shortens the node changes it at every question.
    metadata = {"document_id": source.node_id if source else node.node_id, "version": version}
    return Passage(bare_text(node), id=node.node_id, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Sources:
    """A response's nodes and metadata."""

    nodes: list[NodeWithScore]
    metadata: dict[str, Any]

    def to_bytes(self) -> bytes:
        """As JSON, without embeddings; what JSON cannot hold becomes its `str`."""
        nodes = [[_to_json(scored.node), scored.score] for scored in self.nodes]
        kept = {"nodes": nodes, "metadata": self.metadata}
        return json.dumps(kept, default=str).encode()

    @classmethod
    def from_bytes(cls, kept: bytes) -> "Sources":
        """What `to_bytes` wrote; empty for an answer that came without."""
        if not kept:
            return cls([], {})
        found = json.loads(kept)
        nodes = [NodeWithScore(node=json_to_doc(n), score=score) for n, score in found["nodes"]]
        return cls(nodes, found["metadata"])


def _to_json(node: BaseNode) -> dict[str, Any]:
    kept = doc_to_json(node)
    kept[DATA_KEY].pop("embedding", None)
    try:
        json_to_doc(json.loads(json.dumps(kept, default=str)))
    except (ValueError, TypeError, KeyError):  # a class that only the user's code knows
        kept = doc_to_json(_as_text(node))
    return kept


def _as_text(node: BaseNode) -> TextNode:
    return TextNode(
        id_=node.node_id,
        text=bare_text(node),
        metadata=node.metadata,
        relationships=node.relationships,
        excluded_embed_metadata_keys=node.excluded_embed_metadata_keys,
        excluded_llm_metadata_keys=node.excluded_llm_metadata_keys,
    )
