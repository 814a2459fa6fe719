"""Cache points and canonical order in query engines and chats."""

from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.base.llms.types import (
    CachePoint,
    ChatMessage,
    ChatResponse,
    LLMMetadata,
    TextBlock,
)
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.llms import MockLLM
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index.core.schema import NodeWithScore, TextNode

from llama_index_ragthrift import CanonicalOrder, cached_template, with_cache_points
from llama_index_ragthrift.prompt import rules_of, without_cache_points
from ragthrift.prompt import Traffic, assert_stable
from ragthrift.provider_cache import rules_for

RULES = "Answer by these documents only. Write {curly} braces. " * 200


class Claude(MockLLM):
    """Hears chats, by the name of a model that has a cache."""

    _name: str = PrivateAttr()
    _heard: list[list[ChatMessage]] = PrivateAttr(default_factory=list)

    def __init__(self, name: str = "claude-sonnet-4-5") -> None:
        super().__init__()
        self._name = name

    @property
    def heard(self) -> list[list[ChatMessage]]:
        return self._heard

    @classmethod
    def class_name(cls) -> str:
        return "Anthropic_LLM"

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name=self._name, is_chat_model=True)

    def chat(self, messages: Any, **kwargs: Any) -> ChatResponse:
        self._heard.append(list(messages))
        return ChatResponse(message=ChatMessage(role="assistant", content="At noon."))


def points(message: ChatMessage) -> list[int]:
    return [n for n, block in enumerate(message.blocks) if isinstance(block, CachePoint)]


def nodes(*names: str) -> list[TextNode]:
    return [TextNode(id_=name, text=f"About {name}.") for name in names]


def test_a_query_engine_sends_what_is_stable_first_and_marks_it() -> None:
    llm = Claude()
    index = VectorStoreIndex(nodes("soup", "rules", "bread"), embed_model=MockEmbedding(4))
    engine = index.as_query_engine(
        llm=llm,
        similarity_top_k=3,
        text_qa_template=cached_template(RULES, llm),
        node_postprocessors=[CanonicalOrder(["rules", "bread"])],
    )
    assert str(engine.query("Is there soup?")) == "At noon."
    engine.query("Is there tea?")
    assert_stable(llm.heard)
    [message] = llm.heard[0]
    assert points(message) == [1]
    stable, _, asked = message.blocks
    assert isinstance(stable, TextBlock)
    assert isinstance(asked, TextBlock)
    assert stable.text.startswith("Answer by these documents only. Write {curly} braces")
    last = asked.text
    assert last.index("About rules") < last.index("About bread") < last.index("About soup")
    assert "Question: Is there soup?" in last


@pytest.mark.parametrize("model", ["gpt-5.6-sol", "claude-haiku-9", "my-own"])
def test_no_point_for_others(model: str) -> None:
    llm = Claude(model)
    template = cached_template(RULES, llm, rules=rules_for(model))
    message = template.format_messages(context_str="c", query_str="q")[0]
    assert points(message) == []
    assert [len(one.blocks) for one in with_cache_points([message], llm)] == [2]


def test_no_point_where_nothing_comes_again() -> None:
    llm = Claude()
    template = cached_template(RULES, llm, shared=Traffic.once())
    assert points(template.format_messages(context_str="c", query_str="q")[0]) == []
    assert points(with_cache_points([ChatMessage(role="user", content=RULES)], llm)[0]) == []


def test_a_chat_is_marked_at_its_end_once() -> None:
    llm = Claude()
    talk = [
        ChatMessage(role=role, content=text)
        for role, text in [("system", RULES), ("user", "Hi"), ("assistant", "Hello"), ("user", "?")]
    ]
    once = with_cache_points(talk, llm)
    assert [points(message) for message in once] == [[], [], [], [1]]
    assert with_cache_points(once, llm) == once
    assert [without_cache_points(message) for message in once] == talk
    assert [points(message) for message in talk] == [[], [], [], []]


def test_the_rules_of_an_llm() -> None:
    assert rules_of(Claude()).style == "cache_control"
    assert rules_of(MockLLM()).style == "none"


async def test_order_keeps_nodes_and_scores() -> None:
    given = [NodeWithScore(node=node, score=1.0 - n / 10) for n, node in enumerate(nodes(*"abcd"))]
    ordered = await CanonicalOrder(["c"]).apostprocess_nodes(given, query_str="?")
    assert [(one.node_id, one.score) for one in ordered] == [
        ("c", 0.8),
        ("d", 0.7),
        ("b", 0.9),
        ("a", 1.0),
    ]
    assert [one.node_id for one in given] == list("abcd")
    assert CanonicalOrder(["c"]).to_dict()["class_name"] == "CanonicalOrder"


def test_a_model_that_is_no_chat_reads_the_text() -> None:
    llm = MockLLM()
    synthesizer = get_response_synthesizer(llm=llm, text_qa_template=cached_template("Rules.", llm))
    answered = synthesizer.synthesize("Soup?", [NodeWithScore(node=nodes("soup")[0])])
    assert "Rules." in str(answered)
    assert "About soup." in str(answered)
