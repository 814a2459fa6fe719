import asyncio
from collections.abc import Generator
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage

from llama_index_ragthrift import LocalLLM
from llama_index_ragthrift.messages import to_chat_stream
from ragthrift import Completion, ContractError, Message
from ragthrift.bridge import Bridge
from tests.llama_index.fakes import USAGE, Scripted, ScriptedStream

USER = [ChatMessage("Where?")]
DELTAS = ["In", " the", " north", " wing.", ""]
TEXTS = ["In", "In the", "In the north", "In the north wing.", "In the north wing."]


def test_chat_streams_deltas_texts_and_last_the_usage() -> None:
    model = ScriptedStream()
    responses = list(LocalLLM(model).stream_chat(USER, max_tokens=9, stop="END"))
    assert [r.delta for r in responses] == DELTAS
    assert [r.message.content for r in responses] == TEXTS
    assert [r.raw for r in responses[:-1]] == [None] * 4
    assert responses[-1].raw["usage"]["total_tokens"] == USAGE.total_tokens
    assert model.asked[0][1:] == (9, ("END",))


def test_completion_streams_alike() -> None:
    responses = list(LocalLLM(ScriptedStream()).stream_complete("Where?"))
    assert [r.delta for r in responses] == DELTAS
    assert [r.text for r in responses] == TEXTS
    assert responses[-1].raw["usage"]["total_tokens"] == USAGE.total_tokens


async def test_both_stream_when_awaited() -> None:
    llm = LocalLLM(ScriptedStream())
    chat = [r.delta async for r in await llm.astream_chat(USER)]
    assert chat == DELTAS
    completion = [r.text async for r in await LocalLLM(ScriptedStream()).astream_complete("W?")]
    assert completion == TEXTS


def test_pieces_arrive_when_the_model_has_them() -> None:
    model = ScriptedStream()
    responses = LocalLLM(model).stream_chat(USER)
    assert model.sent == []
    assert next(responses).delta == "In"
    assert model.sent == ["In"]


async def test_awaited_pieces_arrive_one_by_one_and_the_loop_goes_on() -> None:
    model = ScriptedStream(seconds=0.1)
    sent: list[int] = []
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    async for _ in await LocalLLM(model).astream_chat(USER):
        sent.append(len(model.sent))
    ticking.cancel()
    assert sent == [1, 2, 3, 4, 4]
    assert ticks > 5


def test_a_model_that_cannot_stream_answers_in_one_piece() -> None:
    responses = list(LocalLLM(Scripted()).stream_chat(USER))
    assert [r.delta for r in responses] == ["In the north wing.", ""]


def test_the_models_own_text_is_the_last_word() -> None:
    class Trimming(ScriptedStream):
        def stream(self, *args: Any, **kwargs: Any) -> Generator[str, None, Completion]:
            yield "Yes. "
            return Completion("Yes.", USAGE, "m")

    assert list(LocalLLM(Trimming()).stream_complete("Open?"))[-1].text == "Yes."


def test_a_stream_without_a_completion_is_refused() -> None:
    class Forgetful(ScriptedStream):
        def stream(self, *args: Any, **kwargs: Any) -> Generator[str, None, Completion]:
            yield "Yes."
            return None  # type: ignore[return-value]

    with pytest.raises(ContractError, match="ended with a NoneType"):
        list(LocalLLM(Forgetful()).stream_chat(USER))


def test_stopping_early_stops_the_model() -> None:
    model = ScriptedStream()
    pieces = model.stream([Message("user", "Where?")])  # held, so that only close() can end it
    responses = to_chat_stream(pieces)
    next(responses)
    responses.close()
    assert model.closed
    assert model.sent == ["In"]


async def test_stopping_early_stops_the_model_when_awaited() -> None:
    model = ScriptedStream()
    source = LocalLLM(model).stream_chat(USER)
    responses = Bridge().each(source)
    await anext(responses)
    await responses.aclose()
    assert model.closed


async def test_a_cancelled_task_stops_the_model() -> None:
    model = ScriptedStream(seconds=0.2)
    source = LocalLLM(model).stream_chat(USER)

    async def read() -> None:
        async for _ in Bridge().each(source):
            pass

    reading = asyncio.create_task(read())
    await asyncio.sleep(0.3)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await asyncio.sleep(0.3)
    assert model.closed
    assert len(model.sent) < 4


async def test_an_error_in_the_middle_comes_through() -> None:
    class Breaking(ScriptedStream):
        def stream(self, *args: Any, **kwargs: Any) -> Generator[str, None, Completion]:
            yield "In"
            raise RuntimeError("the model is gone")

    responses = await LocalLLM(Breaking()).astream_chat(USER)
    assert (await anext(responses)).delta == "In"
    with pytest.raises(RuntimeError, match="the model is gone"):
        await anext(responses)
