"""Streams and events of a router."""

import asyncio
from typing import Any

import pytest
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.prompts import ChatPromptTemplate

from ragthrift import Usage
from ragthrift.route import Routed
from tests.langchain.route.asking import DECLINED, both, chunks, joined, opening, routing
from tests.langchain.route.fakes import EASY, LimitError, Speaker, pair, routed_by


@both
async def test_a_stream_comes_as_it_is_said(how: str) -> None:
    said = await chunks(routed_by(pair()), how)
    assert [str(chunk.text) for chunk in said if chunk.text] == ["Nine, ", "cheaply."]
    whole = joined(said)
    assert (whole.text, routing(whole)["tier"]) == ("Nine, cheaply.", "cheap")
    assert whole.usage_metadata["total_tokens"] == 12
    assert said[-1].chunk_position == "last"


@both
async def test_a_stream_that_breaks_before_its_first_word_is_replaced(how: str) -> None:
    models = pair()
    models["cheap"].cut_after = 0
    whole = joined(await chunks(routed_by(models), how))
    assert (whole.text, routing(whole)["tier"]) == ("Nine, strongly.", "strong")


@both
async def test_a_stream_that_breaks_later_raises_and_is_billed(how: str) -> None:
    ledger: list[Routed] = []
    models = pair()
    models["cheap"].cut_after = 1
    chat = routed_by(models, on_run=ledger.append)
    with pytest.raises(ConnectionError, match="the line broke") as caught:
        await chunks(chat, how)
    assert "Nine, " in caught.value.__notes__[0]
    assert ledger[0].attempts[0].estimated
    assert models["strong"].calls == 0


@both
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, DECLINED),
        ({"hold": "sentence"}, "Nine, strongly."),
        ({"verify": True}, "Nine, strongly."),
    ],
)
async def test_what_is_held_back_can_be_replaced(
    how: str, options: dict[str, Any], expected: str
) -> None:
    said = await chunks(routed_by(pair(cheap=DECLINED), **options), how)
    assert joined(said).text == expected
    assert len([chunk for chunk in said if chunk.text]) > 1


async def test_a_reader_who_leaves_ends_the_stream() -> None:
    ledger: list[Routed] = []
    chat = routed_by(pair(cheap="one two three four"), on_run=ledger.append)
    for _ in chat.stream(EASY):
        break
    stream: Any = chat.astream(EASY)
    async for _ in stream:
        break
    await stream.aclose()
    assert len(ledger) == 2
    assert all(one.error is not None for one in ledger)


class Sleeper(Speaker):
    """Never answers; notes that it was woken."""

    cancelled: bool = False

    async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def test_who_does_not_wait_ends_the_call() -> None:
    ledger: list[Routed] = []
    models = {"cheap": Sleeper(), "strong": Speaker()}
    chat = routed_by(models, on_run=ledger.append)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(chat.ainvoke(EASY), 0.2)
    for _ in range(100):
        await asyncio.sleep(0.01)
        if ledger:
            break
    assert models["cheap"].cancelled  # type: ignore[attr-defined]
    assert ledger[0].answer is None
    assert models["strong"].calls == 0


@both
async def test_events_of_version_2(how: str) -> None:
    chat = ChatPromptTemplate.from_template("{q}") | routed_by(pair())
    events = [event async for event in chat.astream_events({"q": EASY}, version="v2")]
    models = [e for e in events if e["event"] == "on_chat_model_end"]
    assert [e["metadata"]["ls_model_name"] for e in models] == ["small"]
    said = [e["data"]["chunk"].text for e in events if e["event"] == "on_chat_model_stream"]
    assert "".join(said) == "Nine, cheaply."
    runs = [e for e in events if e["name"] == "RouterChatModel"]
    assert runs[0]["event"] == "on_chain_start"
    assert routing(runs[-1]["data"]["output"])["tier"] == "cheap"


@both
async def test_events_of_version_3(how: str) -> None:
    ledger: list[Routed] = []
    models, spent = pair(cheap=[LimitError("slow down")]), UsageMetadataCallbackHandler()
    chat = routed_by(models, on_run=ledger.append)
    config: Any = {"callbacks": [spent]}
    if how == "async":
        stream: Any = await chat.astream_events(EASY, config, version="v3")
        said = [text async for text in stream.text]
        answer = await stream
    else:
        stream = chat.stream_events(EASY, config, version="v3")
        said = list(stream.text)
        answer = stream.output
    assert said == ["Nine, ", "strongly."]
    assert routing(answer)["tier"] == "strong"
    assert ledger[0].usage == Usage(10, 2)
    assert spent.usage_metadata["large"]["total_tokens"] == 12


@both
async def test_events_of_version_3_with_tools(how: str) -> None:
    chat: Any = routed_by(pair()).bind_tools([opening])
    if how == "async":
        answer = await (await chat.astream_events(EASY, version="v3"))
    else:
        answer = chat.stream_events(EASY, version="v3").output
    assert [call["name"] for call in answer.tool_calls] == ["opening"]


async def test_events_of_version_3_raise_where_they_are_read() -> None:
    chat = routed_by(pair(cheap=[ValueError("no such field")]))
    with pytest.raises(ValueError, match="no such field"):
        list(chat.stream_events(EASY, version="v3"))
    stream: Any = await chat.astream_events(EASY, version="v3")
    with pytest.raises(ValueError, match="no such field"):
        await stream
