import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.documents import Document
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_ragthrift.convert import (
    from_passages,
    to_ai_message,
    to_last_chunk,
    to_messages,
    to_passages,
)
from ragthrift import Completion, InputError, Message, Passage, ToolCall, Usage

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=3,
)
metadata = st.dictionaries(st.sampled_from(["relevance_score", "id", "source"]) | st.text(), values)
documents = st.lists(
    st.builds(
        Document,
        st.sampled_from(["", "Cats.", "Dogs."]) | st.text(),
        id=st.none() | st.sampled_from(["", "a", "a#2", "b"]) | st.text(),
        metadata=metadata,
    ),
    max_size=8,
)


on_busy_machines = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def there_and_back(
    step: Callable[[Sequence[Passage]], Sequence[Passage]], documents: list[Document]
) -> list[Document]:
    given = to_passages(documents)
    return from_passages(step(given), given, documents)


@on_busy_machines
@given(documents)
def test_nothing_done_changes_nothing(documents: list[Document]) -> None:
    before = copy.deepcopy(documents)
    assert there_and_back(lambda passages: passages, documents) == before
    assert documents == before


@on_busy_machines
@given(documents)
def test_passages_rebuilt_from_their_parts_change_nothing(documents: list[Document]) -> None:
    def rebuilt(passages: Sequence[Passage]) -> list[Passage]:
        return [Passage(p.text, p.id) for p in passages]

    assert there_and_back(rebuilt, documents) == documents


@on_busy_machines
@given(documents, st.data())
def test_any_choice_in_any_order_gives_those_documents(
    documents: list[Document], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(documents))))
    chosen = order[: data.draw(st.integers(0, len(documents)))]
    kept = there_and_back(lambda passages: [passages[i] for i in chosen], documents)
    assert kept == [documents[i] for i in chosen]


@on_busy_machines
@given(documents)
def test_passages_have_ids_of_their_own(documents: list[Document]) -> None:
    passages = to_passages(documents)
    assert len({passage.id for passage in passages}) == len(documents)
    assert [passage.text for passage in passages] == [d.page_content for d in documents]


@on_busy_machines
@given(documents, st.floats(allow_nan=False))
def test_a_new_score_is_written_over_an_old_one(documents: list[Document], score: float) -> None:
    kept = there_and_back(lambda passages: [p.with_score(score) for p in passages], documents)
    assert all(document.metadata["relevance_score"] == score for document in kept)


@on_busy_machines
@given(documents)
def test_results_share_no_metadata_with_the_documents_given(documents: list[Document]) -> None:
    before = copy.deepcopy(documents)
    for document in there_and_back(lambda passages: passages, documents):
        document.metadata["mark"] = True
        document.page_content = "overwritten"
    assert documents == before


def test_unique_ids_are_kept() -> None:
    passages = to_passages([Document("Cats.", id="a"), Document("Dogs.", id="b")])
    assert [passage.id for passage in passages] == ["a", "b"]


def test_a_text_without_id_has_the_same_id_everywhere() -> None:
    assert to_passages([Document("Cats.")])[0].id == Passage("Cats.").id


@pytest.mark.parametrize(
    ("written", "read"),
    [(0.5, 0.5), (1, 1.0), (np.float32(0.5), 0.5), (True, None), ("0.5", None), (math.nan, None)],
)
def test_a_score_is_read_where_it_is_a_number(written: Any, read: float | None) -> None:
    assert to_passages([Document("Cats.", metadata={"relevance_score": written})])[0].score == read


def test_a_written_score_is_a_plain_float() -> None:
    document = Document("Cats.", metadata={"relevance_score": np.float32(0.9)})

    def scored(passages: Sequence[Passage]) -> list[Passage]:
        return [Passage(p.text, p.id, np.float32(0.25), p.metadata) for p in passages]  # type: ignore[arg-type]

    (kept,) = there_and_back(scored, [document])
    assert kept.metadata == {"relevance_score": 0.25}
    assert type(kept.metadata["relevance_score"]) is float


def test_a_score_that_no_step_wrote_stays_as_it_stood() -> None:
    document = Document("Cats.", metadata={"relevance_score": 2**53 + 1})
    assert there_and_back(lambda passages: passages, [document]) == [document]


def test_a_shorter_text_replaces_the_content_and_nothing_else() -> None:
    document = Document("Cats sleep. Dogs bark.", id="a", metadata={"page": 3})
    (kept,) = there_and_back(lambda passages: [passages[0].with_text("Dogs bark.")], [document])
    assert kept == Document("Dogs bark.", id="a", metadata={"page": 3})


def test_a_subclass_stays_one() -> None:
    class Page(Document):
        number: int

    (kept,) = there_and_back(
        lambda passages: [passages[0].with_text("Cats")], [Page(page_content="Cats.", number=3)]
    )
    assert kept == Page(page_content="Cats", number=3)


def test_a_step_that_writes_into_metadata_reaches_the_result_only() -> None:
    document = Document("Cats.", metadata={"page": 3})

    def marked(passages: Sequence[Passage]) -> Sequence[Passage]:
        passages[0].metadata["seen"] = True  # type: ignore[index]
        return passages

    (kept,) = there_and_back(marked, [document])
    assert document.metadata == {"page": 3}
    assert kept.metadata == {"page": 3, "seen": True}


def test_a_conversation_is_translated_turn_by_turn() -> None:
    call = {"name": "search", "args": {"query": "cats"}, "id": "c1"}
    messages: list[BaseMessage] = [
        SystemMessage("Be brief."),
        HumanMessage([{"type": "text", "text": "Cats?"}, "Dogs?", {"text": "Birds?"}]),
        AIMessage([{"type": "thinking", "thinking": "Hm."}, "Let me ", "see."], tool_calls=[call]),
        ToolMessage("Cats sleep.", tool_call_id="c1"),
        AIMessageChunk(content="They sleep."),
        ChatMessage(content="Thanks.", role="user"),
    ]
    assert to_messages(messages) == [
        Message("system", "Be brief."),
        Message("user", "Cats?\nDogs?\nBirds?"),
        Message("assistant", "Let me see.", (ToolCall("c1", "search", '{"query": "cats"}'),)),
        Message("tool", "Cats sleep.", tool_call_id="c1"),
        Message("assistant", "They sleep."),
        Message("user", "Thanks."),
    ]


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (HumanMessage([{"type": "image_url", "image_url": {"url": "http://x"}}]), "'image_url'"),
        (AIMessage([{"type": "image", "url": "http://x"}]), "text only"),
        (ChatMessage(content="Hi", role="narrator"), "narrator"),
        (RemoveMessage(id="1"), "RemoveMessage"),
    ],
)
def test_what_is_no_text_is_refused_with_its_kind(message: BaseMessage, says: str) -> None:
    with pytest.raises(InputError, match=says):
        to_messages([message])


COMPLETION = Completion(
    "",
    Usage(10, 4, cache_read_tokens=6, cache_write_tokens=1),
    "m-1",
    "tool_calls",
    (ToolCall("c1", "search", '{"query": "cats"}'), ToolCall("c2", "search", "oops")),
)


@pytest.mark.parametrize("translate", [to_ai_message, to_last_chunk])
def test_an_answer_keeps_its_calls_usage_and_end(
    translate: Callable[[Completion], AIMessage],
) -> None:
    message = translate(COMPLETION)
    assert [(call["id"], call["args"]) for call in message.tool_calls] == [
        ("c1", {"query": "cats"})
    ]
    assert [(call["id"], call["args"]) for call in message.invalid_tool_calls] == [("c2", "oops")]
    assert message.usage_metadata == {
        "input_tokens": 10,
        "output_tokens": 4,
        "total_tokens": 14,
        "input_token_details": {"cache_read": 6, "cache_creation": 1},
    }
    assert message.response_metadata == {
        "model_name": "m-1",
        "model_provider": "ragthrift",
        "finish_reason": "tool_calls",
    }
