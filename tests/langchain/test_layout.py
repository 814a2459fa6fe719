from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.documents import Document
from langchain_core.messages import ToolMessage
from langchain_core.prompts import PromptTemplate

from langchain_ragthrift.layout import documents_of, find_layout, text_content

CATS, DOGS = Document("Cats sleep."), Document("Dogs bark.", metadata={"source": "b.md"})


@settings(deadline=None)
@given(st.lists(st.text(), min_size=1), st.sampled_from(["\n\n", "\n---\n", " "]))
def test_joined_texts_are_found_again(texts: list[str], separator: str) -> None:
    documents = [Document(text) for text in texts]
    layout = find_layout(separator.join(texts), documents, separator=separator)
    assert layout is not None
    assert [layout(i, document) for i, document in enumerate(documents)] == texts


few_letters = st.text("ab ", max_size=3)


@settings(deadline=None)
@given(st.text("ab ", max_size=20), st.lists(few_letters, min_size=1, max_size=4))
def test_whatever_is_found_writes_the_content_again(content: str, texts: list[str]) -> None:
    documents = [Document(text) for text in texts]
    layout = find_layout(content, documents, separator=" ")
    if layout is not None:
        assert " ".join(layout(i, document) for i, document in enumerate(documents)) == content


def test_what_stands_around_a_text_stays_around_a_shorter_one() -> None:
    content = "Source: a.md\nContent: Cats sleep. [1]\n\nSource: b.md\nContent: Dogs bark. [2]"
    layout = find_layout(content, [CATS, DOGS], separator="\n\n")
    assert layout is not None
    assert layout(1, Document("Dogs.")) == "Source: b.md\nContent: Dogs. [2]"


@pytest.mark.parametrize(
    "content",
    ["Found 2 documents.", "Cats sleep.", "Dogs bark.\n\nCats sleep.", "Cats sleep. Dogs bark."],
)
def test_content_without_every_text_between_separators_has_no_layout(content: str) -> None:
    assert find_layout(content, [CATS, DOGS], separator="\n\n") is None


def test_a_prompt_overrules_the_content() -> None:
    prompt = PromptTemplate.from_template("{source}: {page_content}")
    layout = find_layout("Found 2.", [DOGS], separator="\n\n", prompt=prompt)
    assert layout is not None
    assert layout(0, DOGS) == "b.md: Dogs bark."
    with pytest.raises(ValueError, match="source"):
        layout(0, CATS)


@pytest.mark.parametrize(
    ("artifact", "found"),
    [
        ([CATS, DOGS], [CATS, DOGS]),
        ((CATS,), [CATS]),
        ([], []),
        ([CATS, "text"], []),
        ({"documents": [CATS]}, []),
        ("text", []),
        (None, []),
    ],
)
def test_documents_are_read_from_sequences_of_nothing_else(
    artifact: object, found: list[Document]
) -> None:
    assert documents_of(ToolMessage("", tool_call_id="1", artifact=artifact)) == found


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Cats.", "Cats."),
        (["Cats.", {"type": "text", "text": "Dogs."}], "Cats.|Dogs."),
        (["Cats.", {"type": "image", "url": "u"}], None),
    ],
)
def test_text_is_read_where_there_is_nothing_else(content: Any, text: str | None) -> None:
    assert text_content(ToolMessage(content, tool_call_id="1"), "|") == text
