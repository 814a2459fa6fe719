from collections.abc import Sequence

import pytest
from llama_index.core.schema import MetadataMode, NodeWithScore, TextNode

from llama_index_ragthrift import RagthriftPostprocessor
from ragthrift import ContractError, Passage, Pipeline
from tests.llama_index.fakes import FirstSentence, SharedWords


@pytest.fixture
def nodes(handbook: list[TextNode]) -> list[NodeWithScore]:
    return [NodeWithScore(node=node, score=0.5) for node in handbook]


@pytest.mark.parametrize("mode", list(MetadataMode))
def test_a_reranker_reads_what_the_mode_selects(
    mode: MetadataMode, nodes: list[NodeWithScore]
) -> None:
    reranker = SharedWords()
    kept = RagthriftPostprocessor([reranker], metadata_mode=mode).postprocess_nodes(
        nodes, query_str="north wing"
    )
    assert reranker.read == [n.node.get_content(metadata_mode=mode) for n in nodes]
    assert {n.node_id: n.text for n in kept} == {n.node_id: n.text for n in nodes}


def test_rerankers_read_metadata_as_embedding_models_do(nodes: list[NodeWithScore]) -> None:
    reranker = SharedWords()
    RagthriftPostprocessor([reranker]).postprocess_nodes(nodes, query_str="north wing")
    assert reranker.read[0] == (
        "file: wing.md\npage: 0\n\nThe canteen is in the north wing. It opens at eight."
    )


def test_metadata_can_decide_the_order(nodes: list[NodeWithScore]) -> None:
    best, *_ = RagthriftPostprocessor([SharedWords()]).postprocess_nodes(nodes, query_str="keys.md")
    assert best.node_id == "keys"


@pytest.mark.parametrize("as_method", [True, False])
def test_a_bound_rank_reads_metadata_too(nodes: list[NodeWithScore], as_method: bool) -> None:
    reranker = SharedWords()
    step = reranker.rank if as_method else reranker
    RagthriftPostprocessor([step]).postprocess_nodes(nodes, query_str="north wing")
    assert reranker.read[0].startswith("file: wing.md")


def test_compressors_and_functions_read_bare_text(nodes: list[NodeWithScore]) -> None:
    compressor, inner = FirstSentence(), SharedWords()
    RagthriftPostprocessor([Pipeline([inner]), compressor, compressor.compress]).postprocess_nodes(
        nodes, query_str="north wing"
    )
    texts = [n.text for n in nodes]
    assert inner.read == texts
    assert sorted(compressor.read[:4]) == sorted(texts)


def test_a_reranker_after_a_compressor_reads_the_short_text_under_the_header(
    nodes: list[NodeWithScore],
) -> None:
    reranker = SharedWords()
    kept = RagthriftPostprocessor([FirstSentence(), reranker]).postprocess_nodes(
        nodes, query_str="north wing"
    )
    assert reranker.read[0] == "file: wing.md\npage: 0\n\nThe canteen is in the north wing."
    assert kept[0].text == "The canteen is in the north wing."


def test_a_reranker_after_a_step_that_made_new_passages_reads_bare_text(
    nodes: list[NodeWithScore],
) -> None:
    reranker = SharedWords()
    rebuild = lambda query, passages: [Passage(p.text, p.id) for p in passages]  # noqa: E731
    kept = RagthriftPostprocessor([rebuild, reranker]).postprocess_nodes(
        nodes, query_str="north wing"
    )
    assert reranker.read == [n.text for n in nodes]
    assert kept[0].metadata["file"] == "wing.md"


class Meddling:
    def rank(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        return [p.with_text(p.text[:5]).with_score(1) for p in passages]


def test_a_reranker_that_shortens_is_refused_lest_a_header_gets_into_a_node(
    nodes: list[NodeWithScore],
) -> None:
    with pytest.raises(ContractError, match=r"metadata_mode=MetadataMode\.NONE"):
        RagthriftPostprocessor([Meddling()], on_error="raise").postprocess_nodes(
            nodes, query_str="north wing"
        )
    kept = RagthriftPostprocessor([Meddling()]).postprocess_nodes(nodes, query_str="north wing")
    assert [n.text for n in kept] == [n.text for n in nodes]


def test_without_headers_it_may_shorten(nodes: list[NodeWithScore]) -> None:
    kept = RagthriftPostprocessor(
        [Meddling()], on_error="raise", metadata_mode=MetadataMode.NONE
    ).postprocess_nodes(nodes, query_str="north wing")
    assert [n.text for n in kept] == [n.text[:5] for n in nodes]


def test_a_reranker_that_invents_passages_is_refused(nodes: list[NodeWithScore]) -> None:
    class Inventing:
        def rank(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
            return [*passages, Passage("new")]

    with pytest.raises(ContractError, match="Inventing returned passages it was not given"):
        RagthriftPostprocessor([Inventing()], on_error="raise").postprocess_nodes(
            nodes, query_str="north wing"
        )
