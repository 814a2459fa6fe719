import asyncio
import threading
from collections.abc import Generator, Sequence
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage

from langchain_ragthrift import ChatLocal
from ragthrift import Completion, ContractError, InputError, Message
from tests.langchain.fakes import EchoLLM, StreamingLLM


def chat(llm: Any = None, **fields: Any) -> ChatLocal:
    return ChatLocal(llm=llm or EchoLLM(), model_name="echo", **fields)


async def test_an_answer_says_what_it_used() -> None:
    llm = EchoLLM(cache_read_tokens=2)
    messages = [SystemMessage("Be brief."), HumanMessage("Cats sleep.")]
    for answer in (chat(llm).invoke(messages), await chat(llm).ainvoke(messages)):
        assert answer.content == "Cats sleep."
        assert answer.usage_metadata is not None
        assert answer.usage_metadata["total_tokens"] == 6
        assert answer.usage_metadata["input_token_details"]["cache_read"] == 2
        assert answer.response_metadata["finish_reason"] == "stop"
    turns = [Message("system", "Be brief."), Message("user", "Cats sleep.")]
    assert llm.calls == [(turns, None, ())] * 2


def test_limits_of_a_call_go_before_those_of_the_model() -> None:
    llm = EchoLLM()
    limited = chat(llm, max_tokens=3, stop=["!"])
    assert limited.invoke("One two three four").content == "One two three"
    assert limited.invoke("One! two").content == "One"
    assert limited.invoke("One! two. three", stop=["."]).content == "One! two"
    answer = limited.bind(max_tokens=1).invoke("One two")
    assert (answer.content, answer.response_metadata["finish_reason"]) == ("One", "length")
    assert [call[1:] for call in llm.calls] == [(3, ("!",)), (3, ("!",)), (3, (".",)), (1, ("!",))]


@pytest.mark.parametrize("call", [chat().invoke, lambda *a, **k: list(chat().stream(*a, **k))])
def test_an_argument_it_cannot_obey_is_refused(call: Any) -> None:
    with pytest.raises(InputError, match="not temperature, tools"):
        call("Hi", temperature=0, tools=[])


def test_images_are_refused() -> None:
    block = {"type": "image_url", "image_url": {"url": "http://x/y.png"}}
    with pytest.raises(InputError, match="text only"):
        chat().invoke([HumanMessage([block])])


@pytest.mark.parametrize("llm", [EchoLLM(), StreamingLLM()])
async def test_streams_add_up_to_the_answer(llm: EchoLLM) -> None:
    whole = chat(llm).invoke("Cats sleep.")
    streams = [
        list(chat(llm).stream("Cats sleep.")),
        [chunk async for chunk in chat(llm).astream("Cats sleep.")],
    ]
    for chunks in streams:
        total = sum(chunks[1:], chunks[0])
        assert isinstance(total, AIMessageChunk)
        assert total.content == whole.content
        assert total.usage_metadata == whole.usage_metadata
        assert total.response_metadata == whole.response_metadata
        assert chunks[-1].usage_metadata is not None
        assert all(chunk.usage_metadata is None for chunk in chunks[:-1])
        assert (len(chunks) > 3) == isinstance(llm, StreamingLLM)


def test_a_stream_that_is_left_stops_the_model() -> None:
    llm = StreamingLLM()
    stream = chat(llm)._stream([HumanMessage("Cats sleep.")])
    assert next(iter(stream)).text == "C"
    assert not llm.closed
    stream.close()  # type: ignore[attr-defined]
    assert llm.closed


async def test_events_show_each_piece() -> None:
    events = [event async for event in chat(StreamingLLM()).astream_events("Hi!", version="v2")]
    pieces = [e["data"]["chunk"].text for e in events if e["event"] == "on_chat_model_stream"]
    assert "".join(pieces) == "Hi!"
    assert len(pieces) >= 3


def test_the_usage_callback_counts_every_call_once() -> None:
    with get_usage_metadata_callback() as counted:
        chat().invoke("Cats sleep.")
        list(chat(StreamingLLM()).stream("Cats sleep."))
    usage = counted.usage_metadata["echo-1"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (4, 4)


def test_caches_do_not_mix_models_or_limits() -> None:
    cache, llm = InMemoryCache(), EchoLLM()
    models = [
        ChatLocal(llm=llm, model_name=name, max_tokens=limit, stop=stop, cache=cache)
        for name in ("a", "b")
        for limit in (None, 5)
        for stop in (None, ["!"])
    ]
    for model in models * 2:
        model.invoke("Hi")
    assert len(llm.calls) == len(models)


async def test_the_event_loop_stays_free() -> None:
    loop_ran = threading.Event()

    class Patient(EchoLLM):
        def complete(self, messages: Sequence[Message], **limits: Any) -> Completion:
            assert loop_ran.wait(timeout=20), "the loop was blocked"
            return super().complete(messages, **limits)

    task = asyncio.create_task(chat(Patient()).ainvoke("Hi"))
    await asyncio.sleep(0)
    loop_ran.set()
    assert (await task).content == "Hi"


class Silent(EchoLLM):
    def complete(self, messages: Sequence[Message], **limits: Any) -> Any:
        return "Hi"

    def stream(self, messages: Sequence[Message], **limits: Any) -> Generator[str, None, None]:
        yield "Hi"


def test_a_model_that_breaks_its_protocol_is_named() -> None:
    with pytest.raises(ContractError, match="needs complete"):
        chat(llm="gemma.gguf")
    with pytest.raises(ContractError, match="ended with a str"):
        chat(Silent()).invoke("Hi")
    with pytest.raises(ContractError, match="ended with a NoneType"):
        list(chat(Silent()).stream("Hi"))


def test_traces_name_the_model_and_its_limits() -> None:
    assert chat(max_tokens=3, stop=["!"])._get_ls_params() == {
        "ls_provider": "ragthrift",
        "ls_model_name": "echo",
        "ls_model_type": "chat",
        "ls_max_tokens": 3,
        "ls_stop": ["!"],
    }
