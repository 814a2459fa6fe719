"""The middleware by itself: which messages it touches, and what becomes of them."""

import asyncio
import copy
import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from langchain.agents.middleware import ToolCallRequest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.prompts import PromptTemplate
from langgraph.types import Command
from pydantic import BaseModel

from langchain_ragthrift import TrimToolMessages
from ragthrift import InputError, Passage, Run
from tests.langchain.fakes import broken, drop_all, keep, unchanged

CATS = Document("Cats sleep.", id="c", metadata={"source": "a.md"})
DOGS = Document("Dogs bark.", metadata={"source": "b.md"})
DOCUMENTS = [CATS, DOGS]
CONTENT = "Cats sleep.\n\nDogs bark."


def request(
    arguments: Mapping[str, Any] | None = None, *, tool: str = "search", state: Any = None
) -> ToolCallRequest:
    call = {"name": tool, "args": arguments or {"query": "What barks?"}, "id": "c1"}
    return ToolCallRequest(
        tool_call={**call, "type": "tool_call"},  # type: ignore[typeddict-item]
        tool=None,
        state={"messages": []} if state is None else state,
        runtime=None,  # type: ignore[arg-type]
    )


def message(content: Any = CONTENT, artifact: Any = DOCUMENTS, **fields: Any) -> ToolMessage:
    return ToolMessage(content, artifact=artifact, tool_call_id="c1", name="search", **fields)


def trimmed(
    middleware: TrimToolMessages, given: Any, asked: ToolCallRequest | None = None
) -> ToolMessage:
    result = middleware.wrap_tool_call(asked or request(), lambda _: given)
    assert isinstance(result, ToolMessage)
    return result


def test_a_message_gets_the_kept_documents_and_keeps_everything_else() -> None:
    given = message(id="m1", additional_kwargs={"a": 1}, response_metadata={"b": 2})
    before = copy.deepcopy(given)
    after = trimmed(TrimToolMessages([keep("Dogs bark.")]), given)
    assert after == given.model_copy(update={"content": "Dogs bark.", "artifact": [DOGS]})
    assert given == before


def test_a_shortened_document_is_written_shorter_in_the_tools_own_way() -> None:
    given = message("Source: a.md\nCats sleep.\n\nSource: b.md\nDogs bark.")

    def first_word(query: str, passages: Sequence[Passage]) -> list[Passage]:
        return [p.with_text(p.text.split()[0]) for p in reversed(passages)]

    after = trimmed(TrimToolMessages([first_word]), given)
    assert after.content == "Source: b.md\nDogs\n\nSource: a.md\nCats"
    assert [document.page_content for document in after.artifact] == ["Dogs", "Cats"]


def test_equal_documents_keep_their_own_surroundings() -> None:
    twins = [Document("Same."), Document("Same.")]
    given = message("1. Same.\n\n2. Same.", twins)
    after = trimmed(TrimToolMessages([lambda query, passages: passages[1:]]), given)
    assert after.content == "2. Same."


def test_a_document_prompt_renders_anew() -> None:
    middleware = TrimToolMessages(
        [lambda query, passages: passages[::-1]],
        document_prompt=PromptTemplate.from_template("{source}: {page_content}"),
        document_separator="\n---\n",
    )
    after = trimmed(middleware, message("Found 2 documents."))
    assert after.content == "b.md: Dogs bark.\n---\na.md: Cats sleep."


def test_content_that_is_no_rendering_is_handed_on_with_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    middleware = TrimToolMessages([keep("Dogs bark.")])
    given = message("Found 2 documents.")
    with caplog.at_level(logging.WARNING):
        assert trimmed(middleware, given) is given
        assert trimmed(middleware, given) is given
    assert len(caplog.records) == 1
    assert "document_prompt" in caplog.text


@pytest.mark.parametrize(
    "given",
    [
        message(status="error"),
        message(artifact=None),
        message(artifact=[]),
        message(artifact=[CATS, "text"]),
        message(artifact={"documents": DOCUMENTS}),
        message(""),
        message([{"type": "text", "text": CONTENT}, {"type": "image", "url": "http://x"}]),
        Command(update={"messages": [message()]}),
    ],
)
async def test_what_is_no_retrieved_text_is_handed_on_as_it_is(given: Any) -> None:
    runs: list[Run] = []
    middleware = TrimToolMessages([keep("Dogs bark.")], on_run=runs.append)

    async def handler(_: ToolCallRequest) -> Any:
        return given

    assert middleware.wrap_tool_call(request(), lambda _: given) is given
    assert await middleware.awrap_tool_call(request(), handler) is given
    assert not runs, "what is not trimmed is not counted"


@pytest.mark.parametrize(
    "step", [unchanged, drop_all, broken, lambda query, passages: [passages[0].with_text(" ")]]
)
def test_what_the_steps_left_or_emptied_is_handed_on_as_it_is(step: Any) -> None:
    given = message()
    assert trimmed(TrimToolMessages([step]), given) is given


def test_failures_are_counted_or_raised() -> None:
    middleware = TrimToolMessages([broken, keep("Dogs bark.")])
    assert trimmed(middleware, message()).content == "Dogs bark."
    assert middleware.pipeline.failures == {"broken": 1}
    with pytest.raises(RuntimeError, match="no model today"):
        trimmed(TrimToolMessages([broken], on_error="raise"), message())


def test_only_named_tools_are_touched() -> None:
    middleware = TrimToolMessages([keep("Dogs bark.")], tools=("search",))
    given = message()
    assert trimmed(middleware, given).content == "Dogs bark."
    assert trimmed(middleware, given, request(tool="weather")) is given


@pytest.mark.parametrize(
    "content", [CONTENT, ["Cats sleep.", {"type": "text", "text": "Dogs bark."}], f"\n\n{CONTENT}"]
)
def test_plain_text_of_a_named_tool_is_split_and_joined(content: Any) -> None:
    given = message(content, {"raw": 1})
    after = trimmed(TrimToolMessages([keep("Dogs bark.")], tools=["search"]), given)
    assert after == given.model_copy(update={"content": "Dogs bark."})


def test_plain_text_needs_no_document_prompt() -> None:
    prompt = PromptTemplate.from_template("{source}: {page_content}")
    middleware = TrimToolMessages(
        [keep("Dogs bark.")], tools=["search"], document_prompt=prompt, document_separator="; "
    )
    assert trimmed(middleware, message("Cats sleep.; Dogs bark.", None)).content == "Dogs bark."


class State(BaseModel):
    messages: list[Any]


HISTORY = [HumanMessage("Birds?"), HumanMessage([{"type": "text", "text": "Fish?"}]), AIMessage("")]


@pytest.mark.parametrize(
    ("arguments", "state", "query"),
    [
        ({"query": "Dogs?", "other": "x"}, {"messages": HISTORY}, "Dogs?"),
        ({"question": "Dogs?", "k": 3}, {"messages": HISTORY}, "Dogs?"),
        ({"query": " ", "other": "Dogs?"}, {"messages": HISTORY}, "Dogs?"),
        ({"a": "x", "b": "y"}, {"messages": HISTORY}, "Fish?"),
        ({"query": ["Dogs?"]}, HISTORY, "Fish?"),
        ({"k": 3}, State(messages=HISTORY), "Fish?"),
    ],
)
def test_the_query_is_the_argument_or_the_last_question(
    arguments: dict[str, Any], state: Any, query: str
) -> None:
    asked: list[str] = []
    middleware = TrimToolMessages([unchanged], on_run=lambda run: asked.append(run.query))
    trimmed(middleware, message(), request(arguments, state=state))
    assert asked == [query]


def test_the_query_argument_may_be_named() -> None:
    asked: list[str] = []
    middleware = TrimToolMessages(
        [unchanged], query_argument="q", on_run=lambda run: asked.append(run.query)
    )
    trimmed(middleware, message(), request({"q": "Dogs?", "query": "Cats?"}))
    assert asked == ["Dogs?"]


@pytest.mark.parametrize("state", [{"messages": []}, {}, [], [AIMessage("Hi")]])
def test_without_a_query_nothing_is_touched(state: Any) -> None:
    given = message()
    middleware = TrimToolMessages([keep("Dogs bark.")])
    assert trimmed(middleware, given, request({"k": 3}, state=state)) is given


async def test_the_event_loop_stays_free() -> None:
    loop_ran = threading.Event()

    def patient(query: str, passages: Sequence[Passage]) -> Sequence[Passage]:
        assert loop_ran.wait(timeout=20), "the loop was blocked"
        return passages[1:]

    async def handler(_: ToolCallRequest) -> ToolMessage:
        return message()

    middleware = TrimToolMessages([patient], on_error="raise")
    task = asyncio.create_task(middleware.awrap_tool_call(request(), handler))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    loop_ran.set()
    after = await task
    assert isinstance(after, ToolMessage)
    assert after.content == "Dogs bark."


def test_wrong_arguments_say_what_would_be_right() -> None:
    with pytest.raises(InputError, match=r'tools=\("search",\)'):
        TrimToolMessages([unchanged], tools="search")
    with pytest.raises(InputError, match="document_separator"):
        TrimToolMessages([unchanged], document_separator="")
    with pytest.raises(InputError, match="is not a step"):
        TrimToolMessages([None])  # type: ignore[list-item]
