import copy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core.schema import (
    BaseNode,
    Document,
    ImageNode,
    IndexNode,
    MediaResource,
    MetadataMode,
    Node,
    NodeRelationship,
    NodeWithScore,
    RelatedNodeInfo,
    TextNode,
)
from pydantic import AnyUrl

from llama_index_ragthrift import RagthriftPostprocessor
from llama_index_ragthrift.nodes import NodePassages, bare_text, with_text
from ragthrift import Passage


def scored(*nodes: BaseNode) -> list[NodeWithScore]:
    return [NodeWithScore(node=node, score=0.5) for node in nodes]


def test_a_passage_is_the_bare_text_of_its_node() -> None:
    node = TextNode(id_="a", text="Dogs bark.", metadata={"file": "dogs.md"})
    (passage,) = NodePassages(scored(node)).passages
    assert (passage.text, passage.id, passage.score) == ("Dogs bark.", "a", 0.5)
    assert passage.metadata == {"file": "dogs.md"}


def test_a_step_that_writes_into_metadata_does_not_reach_the_node() -> None:
    node = TextNode(text="Dogs bark.", metadata={"file": "dogs.md"})
    (passage,) = NodePassages(scored(node)).passages
    passage.metadata["file"] = "cats.md"  # type: ignore[index]
    assert node.metadata == {"file": "dogs.md"}


def test_an_unchanged_node_is_shared_in_a_new_node_with_score() -> None:
    given_nodes = scored(TextNode(text="Dogs bark."))
    batch = NodePassages(given_nodes)
    (kept,) = batch.to_nodes([batch.passages[0].with_score(0.9)])
    assert kept is not given_nodes[0]
    assert kept.node is given_nodes[0].node
    assert (kept.score, given_nodes[0].score) == (0.9, 0.5)


@pytest.mark.parametrize("score", [np.float32(0.25), np.float64(0.25), 0.25])
def test_scores_become_plain_floats(score: float) -> None:
    batch = NodePassages([NodeWithScore(node=TextNode(text="Dogs bark."), score=score)])
    assert type(batch.passages[0].score) is float
    (kept,) = batch.to_nodes([Passage("Dogs bark.", batch.passages[0].id, score)])
    assert type(kept.score) is float
    assert kept.score == 0.25


def test_no_score_stays_no_score() -> None:
    batch = NodePassages([NodeWithScore(node=TextNode(text="Dogs bark."))])
    assert batch.passages[0].score is None
    assert batch.to_nodes(batch.passages)[0].score is None


def test_repeated_ids_lead_to_their_own_nodes() -> None:
    nodes = scored(
        TextNode(id_="a", text="first"),
        TextNode(id_="a", text="second"),
        TextNode(id_="a#2", text="third"),
        TextNode(id_="", text="fourth"),
        TextNode(id_="", text="fourth"),
    )
    batch = NodePassages(nodes)
    ids = [passage.id for passage in batch.passages]
    assert ids[0] == "a"
    assert len(set(ids)) == 5
    back = batch.to_nodes(reversed(batch.passages))
    assert [id(n.node) for n in back] == [id(n.node) for n in reversed(nodes)]


@pytest.mark.parametrize(
    "node",
    [
        TextNode(id_="n", text="Dogs bark. Cats meow.", start_char_idx=5, end_char_idx=26),
        ImageNode(id_="n", text="Dogs bark. Cats meow.", image_url="https://example.org/dog.png"),
        IndexNode(id_="n", text="Dogs bark. Cats meow.", index_id="animals", obj={"k": object()}),
        Document(id_="n", text="Dogs bark. Cats meow."),
        Node(
            id_="n",
            text_resource=MediaResource(
                text="Dogs bark. Cats meow.", mimetype="text/markdown", path=Path("dogs.md")
            ),
            image_resource=MediaResource(url=AnyUrl("https://example.org/dog.png")),
        ),
    ],
    ids=lambda node: type(node).__name__,
)
def test_a_shortened_node_keeps_everything_but_its_text(node: BaseNode) -> None:
    node.metadata = {"file": "dogs.md"}
    node.embedding = [0.1, 0.2]
    node.excluded_llm_metadata_keys = ["file"]
    node.relationships = {NodeRelationship.SOURCE: RelatedNodeInfo(node_id="doc")}
    before = {name: getattr(node, name) for name in type(node).model_fields}

    short = with_text(node, "Dogs bark.")

    assert type(short) is type(node)
    assert bare_text(short) == "Dogs bark."
    assert bare_text(node) == "Dogs bark. Cats meow."
    after = {name: getattr(short, name) for name in type(node).model_fields}
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"text", "text_resource"}
    if isinstance(short, Node):
        assert short.text_resource is not None
        assert isinstance(node, Node)
        assert node.text_resource is not None
        assert short.text_resource.mimetype == node.text_resource.mimetype
        assert short.text_resource.path == node.text_resource.path


def test_writing_into_a_shortened_node_does_not_reach_the_original() -> None:
    node = TextNode(text="Dogs bark. Cats meow.", metadata={"file": "dogs.md"})
    short = with_text(node, "Dogs bark.")
    short.metadata["retrieval_score"] = 0.1
    short.relationships[NodeRelationship.PARENT] = RelatedNodeInfo(node_id="p")
    assert node.metadata == {"file": "dogs.md"}
    assert node.relationships == {}


def test_nodes_without_text_are_passed_on_last() -> None:
    picture = ImageNode(id_="p", image_url="https://example.org/dog.png", metadata={"file": "d"})
    pointer = IndexNode(id_="i", text=" ", index_id="animals", obj={"kind": "index"})
    sound = Node(id_="s", audio_resource=MediaResource(url=AnyUrl("https://example.org/dog.mp3")))
    nodes = scored(picture, TextNode(id_="t", text="Dogs bark."), pointer, sound)
    seen: list[Passage] = []

    def drop_all(query: str, passages: object) -> list[Passage]:
        seen.extend(passages)  # type: ignore[arg-type]
        return []

    kept = RagthriftPostprocessor([drop_all]).postprocess_nodes(nodes, query_str="Who?")
    assert [passage.id for passage in seen] == ["t"]
    assert [n.node for n in kept] == [picture, pointer, sound]
    assert [n.node is m for n, m in zip(kept, (picture, pointer, sound), strict=True)] == [True] * 3
    assert not {id(n) for n in kept} & {id(n) for n in nodes}


NODES = st.lists(
    st.builds(
        NodeWithScore,
        node=st.builds(
            TextNode,
            id_=st.sampled_from(["a", "b", "a#2", ""]),
            text=st.text(max_size=20),
            metadata=st.dictionaries(st.sampled_from("kl"), st.integers(), max_size=2),
        ),
        score=st.none() | st.floats(allow_nan=False),
    ),
    max_size=8,
)


@settings(deadline=None)
@given(nodes=NODES, choices=st.data())
def test_whatever_a_step_does_every_node_comes_back_as_itself(
    nodes: list[NodeWithScore], choices: st.DataObject
) -> None:
    for at, node in enumerate(nodes):
        node.node.metadata["at"] = at
    before = copy.deepcopy(nodes)
    expected: dict[int, tuple[str, float]] = {}

    def shuffle(query: str, passages: object) -> list[Passage]:
        order = choices.draw(st.permutations(list(passages)))  # type: ignore[call-overload]
        left: list[Passage] = []
        for passage in order[: choices.draw(st.integers(0, len(order)))]:
            text = passage.text[: choices.draw(st.integers(0, len(passage.text)))]
            score = choices.draw(st.floats(allow_nan=False))
            expected[passage.metadata["at"]] = (text, score)
            left.append(passage.with_text(text).with_score(score))
        return left

    step = RagthriftPostprocessor([shuffle], on_error="raise")
    kept = step.postprocess_nodes(nodes, query_str="Who?")

    textless = [at for at, n in enumerate(before) if not n.node.get_content().strip()]
    assert [n.metadata["at"] for n in kept] == [*expected, *textless]
    for node in kept:
        at = node.metadata["at"]
        text, score = expected.get(at, (before[at].node.get_content(), before[at].score))
        original = before[at].node.model_copy()
        original.set_content(text)
        assert node.node == original
        assert node.score == score
        assert type(node.score) in (float, type(None))
    assert nodes == before


def test_metadata_templates_with_text_of_their_own_do_not_confuse() -> None:
    node = TextNode(
        text="Dogs bark. Cats meow.",
        metadata={"file": "Dogs bark."},
        text_template="{content}\n--\n{metadata_str}",
    )
    (kept,) = RagthriftPostprocessor(
        [lambda q, passages: [p.with_text(p.text[:10]) for p in passages]]
    ).postprocess_nodes(scored(node), query_str="Who?")
    assert bare_text(kept.node) == "Dogs bark."
    assert kept.get_content(MetadataMode.ALL) == "Dogs bark.\n--\nfile: Dogs bark."
