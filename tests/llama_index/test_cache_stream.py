"""Streams through a cached query engine: for real on a miss, kept when they end, replayed."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from llama_index.core.base.response.schema import AsyncStreamingResponse, StreamingResponse
from llama_index.core.bridge.pydantic import BaseModel
from llama_index.core.query_engine import CustomQueryEngine
from llama_index.core.schema import NodeWithScore, TextNode

from llama_index_ragthrift import CachedQueryEngine
from llama_index_ragthrift.cache.query_engine import MARK
from ragthrift import Completion, InputError, Passage
from ragthrift.cache import Freshness
from tests.llama_index.caches import ASKED, NEAR, TENANT, Setting, a_cache, an_index
from tests.llama_index.fakes import Scripted, ScriptedStream

ANSWER = "It opens at nine."
PIECES = ["It", " opens", " at", " nine."]


def streaming(seconds: float = 0, **settings: Any) -> tuple[Setting, ScriptedStream]:
    model = ScriptedStream(ANSWER, seconds)
    return Setting(model, streaming=True, **settings), model


def source(response: Any) -> str | None:
    return ((response.metadata or {}).get(MARK) or {}).get("source")


def query(setting: Setting, question: str = ASKED) -> StreamingResponse:
    response = setting.engine.query(question)
    assert isinstance(response, StreamingResponse)
    return response


async def aquery(setting: Setting, question: str = ASKED) -> AsyncStreamingResponse:
    response = await setting.engine.aquery(question)
    assert isinstance(response, AsyncStreamingResponse)
    return response


async def read(response: AsyncStreamingResponse) -> list[str]:
    return [piece async for piece in response.async_response_gen() if piece]


def test_a_miss_streams_for_real_and_a_hit_is_a_stream() -> None:
    setting, model = streaming()
    first = query(setting)
    assert model.sent == []
    pieces = iter(first.response_gen)
    assert next(pieces) == "It"
    assert model.sent == ["It"]
    assert setting.cache.counters.get("stored") is None
    assert [piece for piece in pieces if piece] == PIECES[1:]
    for question, tier in ((ASKED, "exact"), (NEAR, "semantic")):
        again = query(setting, question)
        assert source(again) == tier
        assert again.source_nodes == first.source_nodes
        assert list(again.response_gen) == ["It ", "opens ", "at ", "nine."]
    assert setting.calls == (1, 1)


async def test_an_awaited_miss_streams_for_real_and_a_hit_is_a_stream() -> None:
    setting, model = streaming(seconds=0.05)
    first = await aquery(setting)
    sent = [(piece, len(model.sent)) async for piece in first.async_response_gen() if piece]
    assert sent == [(piece, at + 1) for at, piece in enumerate(PIECES)]
    for question, tier in ((ASKED, "exact"), (NEAR, "semantic")):
        again = await aquery(setting, question)
        assert source(again) == tier
        assert again.source_nodes == first.source_nodes
        assert await read(again) == ["It ", "opens ", "at ", "nine."]
    assert setting.calls == (1, 1)


async def test_sync_and_async_share_answers_and_text() -> None:
    setting, _ = streaming()
    assert str(query(setting)) == ANSWER
    found = await (await aquery(setting)).get_response()
    assert (found.response, source(found)) == (ANSWER, "exact")
    quiet = CachedQueryEngine(setting.inner, setting.cache, scope=TENANT)
    assert str(quiet.query(ASKED)) == ANSWER


def test_a_stream_that_is_left_is_not_kept_and_stops_the_model() -> None:
    setting, model = streaming()
    response = query(setting)
    next(iter(response.response_gen))
    del response
    assert model.closed
    assert model.sent == ["It"]
    assert source(query(setting)) is None


def test_a_stream_nobody_reads_leaves_the_question_free() -> None:
    setting, _ = streaming()
    query(setting)
    assert str(query(setting)) == ANSWER


@pytest.mark.timeout(20)
async def test_an_awaited_stream_that_is_left_is_not_kept() -> None:
    setting, model = streaming(seconds=0.05)
    response = await aquery(setting)
    pieces = response.async_response_gen()
    await anext(pieces)
    await pieces.aclose()
    await response.response_gen.aclose()
    assert setting.cache.counters.get("stored") is None
    while not model.closed:  # the test's own timeout ends this
        await asyncio.sleep(0.02)
    again = await aquery(setting)
    assert (source(again), "".join(await read(again)).strip()) == (None, ANSWER)


class Breaking(ScriptedStream):
    def stream(self, *args: Any, **kwargs: Any) -> Generator[str, None, Completion]:
        yield "It"
        raise ConnectionError("the line is cut")


async def test_a_stream_that_breaks_is_not_kept() -> None:
    setting = Setting(Breaking(), streaming=True)
    with pytest.raises(ConnectionError, match="cut"):
        str(query(setting))
    response = await aquery(setting)
    with pytest.raises(ConnectionError, match="cut"):
        await read(response)
    assert source(query(setting)) is None
    assert setting.cache.counters.get("stored") is None


def test_who_asks_the_same_meanwhile_waits_for_the_stream() -> None:
    setting, model = streaming(seconds=0.05)
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda _: str(query(setting)), range(8)))
    assert responses == [ANSWER] * 8
    assert len(model.asked) == 1


async def test_who_awaits_the_same_meanwhile_waits_for_the_stream() -> None:
    setting, model = streaming(seconds=0.05)

    async def ask() -> tuple[str, int]:
        response = await aquery(setting)
        return "".join(await read(response)), len(response.source_nodes)

    assert await asyncio.gather(*(ask() for _ in range(20))) == [(ANSWER, 2)] * 20
    assert len(model.asked) == 1


async def test_one_of_those_who_wait_takes_a_stream_over_that_was_left() -> None:
    setting, model = streaming(seconds=0.1)
    left = await aquery(setting)
    pieces = left.async_response_gen()
    assert await anext(pieces) == "It"

    async def ask() -> str:
        return "".join(await read(await aquery(setting))).strip()

    others = [asyncio.create_task(ask()) for _ in range(9)]
    await asyncio.sleep(0.2)
    await pieces.aclose()
    await left.response_gen.aclose()
    assert set(await asyncio.gather(*others)) == {ANSWER}
    assert len(model.asked) == 2


@pytest.mark.parametrize("awaited", [False, True])
async def test_fresh_nodes_are_compared_first(awaited: bool) -> None:
    setting, _ = streaming(cache=a_cache(freshness=Freshness(mode="after_retrieval")))

    async def ask(question: str) -> str:
        if awaited:
            return "".join(await read(await aquery(setting, question)))
        return str(query(setting, question))

    assert [await ask(question) for question in (ASKED, NEAR)] == [ANSWER] * 2
    assert setting.calls == (2, 1)
    setting.retriever.index = an_index(canteen="The canteen opens at ten.")
    await ask(ASKED)
    assert setting.calls == (3, 2)


@pytest.mark.parametrize("awaited", [False, True])
async def test_a_stream_near_a_new_chunk_is_compared_first(awaited: bool) -> None:
    setting, _ = streaming(cache=a_cache(freshness=Freshness(mode="auto")))

    async def ask(question: str) -> str:
        if awaited:
            return "".join(await read(await aquery(setting, question))).strip()
        return str(query(setting, question))

    assert await ask(ASKED) == ANSWER
    assert setting.cache.chunks_added([Passage(ASKED, id="c3")]) == 1
    assert [await ask(question) for question in (ASKED, NEAR)] == [ANSWER] * 2
    assert setting.calls == (3, 1)


@pytest.mark.parametrize("awaited", [False, True])
async def test_an_engine_that_does_not_stream_is_read_as_a_stream(awaited: bool) -> None:
    setting = Setting()
    engine = CachedQueryEngine(setting.inner, setting.cache, scope=TENANT, streaming=True)
    for expected in (None, "exact"):
        response = await engine.aquery(ASKED) if awaited else engine.query(ASKED)
        assert source(response) == expected
        if isinstance(response, AsyncStreamingResponse):
            assert "".join(await read(response)) == "At nine."
        else:
            assert isinstance(response, StreamingResponse)
            assert str(response) == "At nine."


def test_an_engine_that_streams_must_be_said_to() -> None:
    setting, _ = streaming()
    engine = CachedQueryEngine(setting.inner, setting.cache, scope=TENANT)
    with pytest.raises(InputError, match="streaming=True"):
        engine.query(ASKED)


@pytest.mark.parametrize("awaited", [False, True])
async def test_an_object_passes_through_a_stream(awaited: bool) -> None:
    class Hours(BaseModel):
        opens: int

    setting = Setting(Scripted('{"opens": 9}'), output_cls=Hours)
    engine = CachedQueryEngine(setting.inner, setting.cache, scope=TENANT, streaming=True)
    for _ in range(2):
        response = await engine.aquery(ASKED) if awaited else engine.query(ASKED)
        assert response.response == Hours(opens=9)  # type: ignore[union-attr]
    assert len(setting.model.asked) == 2


class Mixed(CustomQueryEngine):
    """Streams as some engines do: synchronously, even when it is awaited."""

    def custom_query(self, query_str: str) -> Any:
        def pieces() -> Generator[str, None, None]:
            yield from PIECES

        return StreamingResponse(pieces(), [NodeWithScore(node=TextNode(text="Nine."))])


async def test_an_awaited_engine_may_stream_synchronously() -> None:
    engine = CachedQueryEngine(Mixed(), a_cache(), scope=TENANT, streaming=True)
    for expected in (PIECES, ["It ", "opens ", "at ", "nine."]):
        response = await engine.aquery(ASKED)
        assert isinstance(response, AsyncStreamingResponse)
        assert await read(response) == expected


async def test_a_model_that_streams_on_the_loop_is_closed_when_its_reader_leaves() -> None:
    closed = asyncio.Event()

    class Awaited(CustomQueryEngine):
        def custom_query(self, query_str: str) -> Any:
            raise AssertionError("the awaited form is asked")

        async def acustom_query(self, query_str: str) -> Any:
            async def pieces() -> AsyncGenerator[str, None]:
                try:
                    for piece in PIECES:
                        yield piece
                        await asyncio.sleep(0.05)
                finally:
                    closed.set()

            return AsyncStreamingResponse(pieces(), [])

    engine = CachedQueryEngine(Awaited(), a_cache(), scope=TENANT, streaming=True)
    response = await engine.aquery(ASKED)
    assert isinstance(response, AsyncStreamingResponse)
    assert await anext(response.response_gen) == "It"
    await response.response_gen.aclose()
    await asyncio.wait_for(closed.wait(), 5)
