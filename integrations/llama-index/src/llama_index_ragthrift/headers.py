"""Lets rerankers read a node's metadata without any of it getting into the node's text."""

from collections.abc import Sequence
from dataclasses import replace

from llama_index.core.schema import MetadataMode

from llama_index_ragthrift.nodes import NodePassage
from ragthrift import ContractError, Passage
from ragthrift.pipeline import as_step
from ragthrift.protocols import Compressor, Reranker, Step


def under_headers(step: Step | Reranker | Compressor, mode: MetadataMode) -> Step:
    """The step, reading texts under their metadata if it is a reranker, else as it is.

    A reranker returns the texts it was given, so the bare ones can take their place. Any other
    step may shorten the text, and what is left of a header in it could not be told apart.
    """
    reranker = _reranker_behind(step)
    if reranker is None or mode == MetadataMode.NONE:
        return as_step(step)

    def rank(query: str, passages: Sequence[Passage]) -> list[Passage]:
        read = {passage.id: _read(passage, mode) for passage in passages}
        bare = {passage.id: passage for passage in passages}
        ranked = reranker.rank(query, list(read.values()))
        _check_texts(read, ranked)
        return [
            replace(bare[passage.id], score=passage.score) if passage.id in bare else passage
            for passage in ranked
        ]

    rank.__name__ = type(reranker).__name__
    return rank


def _reranker_behind(step: object) -> Reranker | None:
    owner = getattr(step, "__self__", step)
    if isinstance(owner, Reranker) and (step is owner or step == owner.rank):
        return owner
    return None


def _read(passage: Passage, mode: MetadataMode) -> Passage:
    if not isinstance(passage, NodePassage):
        return passage  # a step before built a passage of its own, so its node is not known
    return passage.with_text(passage.under_header(mode))


def _check_texts(read: dict[str, Passage], ranked: Sequence[Passage]) -> None:
    changed = [p.id for p in ranked if p.id in read and p.text != read[p.id].text]
    if changed:
        raise ContractError(
            f"rank() changed the text of {changed}, which holds the node's metadata; "
            "shorten in compress() or a function, or use metadata_mode=MetadataMode.NONE"
        )
