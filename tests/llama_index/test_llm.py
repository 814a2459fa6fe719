import asyncio
import json
import pickle
import threading
from dataclasses import dataclass
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    CacheControl,
    CachePoint,
    ChatMessage,
    ContentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.callbacks import CallbackManager, CBEventType, TokenCountingHandler
from llama_index.core.llms import LLM
from llama_index.core.llms.function_calling import FunctionCallingLLM

from llama_index_ragthrift import LocalLLM
from llama_index_ragthrift.messages import to_chat_response
from ragthrift import (
    Completion,
    ContextOverflowError,
    ContractError,
    InputError,
    Message,
    ToolCall,
    Usage,
)
from tests.llama_index.conftest import Called, Heard
from tests.llama_index.fakes import Scripted

USER = [ChatMessage("Where?")]
IN_OPENAIS_WORDS = {
    "prompt_tokens": 40,
    "completion_tokens": 7,
    "total_tokens": 47,
    "prompt_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 5},
}


def test_class() -> None:
    assert {FunctionCallingLLM, LLM} <= set(LocalLLM.__mro__)
    assert LocalLLM.class_name() == "LocalLLM"


def test_metadata_is_what_was_said() -> None:
    llm = LocalLLM(
        Scripted(), model_name="gemma", context_window=2048, max_tokens=64, is_chat_model=False
    )
    told = llm.metadata
    assert (told.context_window, told.num_output, told.model_name) == (2048, 64, "gemma")
    assert told.is_chat_model is False
    assert told.is_function_calling_model is False
    assert LocalLLM(Scripted()).metadata.is_chat_model is True


@pytest.mark.parametrize("awaited", [True, False])
async def test_chat(awaited: bool) -> None:
    model = Scripted()
    llm = LocalLLM(model)
    response = await llm.achat(USER) if awaited else llm.chat(USER)
    assert response.message == ChatMessage("In the north wing.", role=MessageRole.ASSISTANT)
    assert response.raw == {
        "model": "scripted-1",
        "finish_reason": "stop",
        "usage": IN_OPENAIS_WORDS,
    }
    assert model.asked == [([Message("user", "Where?")], None, ())]


@pytest.mark.parametrize("awaited", [True, False])
async def test_complete_sends_one_user_message(awaited: bool) -> None:
    model = Scripted()
    llm = LocalLLM(model, completion_to_prompt=lambda prompt: f"<{prompt}>")
    response = await llm.acomplete("Where?") if awaited else llm.complete("Where?")
    assert response.text == "In the north wing."
    assert response.raw is not None
    assert response.raw["usage"] == IN_OPENAIS_WORDS
    llm.complete("Where?", formatted=True)
    assert [messages for messages, _, _ in model.asked] == [
        [Message("user", "<Where?>")],
        [Message("user", "Where?")],
    ]


def test_every_role_and_tool_call_is_translated() -> None:
    model = Scripted()
    call = ToolCallBlock(tool_call_id="c1", tool_name="find", tool_kwargs={"what": "canteen"})
    LocalLLM(model).chat(
        [
            ChatMessage("Be brief.", role=MessageRole.SYSTEM),
            ChatMessage("Be kind.", role=MessageRole.DEVELOPER),
            ChatMessage("Where?", role=MessageRole.USER),
            ChatMessage([TextBlock(text="Looking."), call], role=MessageRole.ASSISTANT),
            ChatMessage("north", role=MessageRole.TOOL, additional_kwargs={"tool_call_id": "c1"}),
            ChatMessage("Here.", role=MessageRole.MODEL),
            ChatMessage("There.", role=MessageRole.CHATBOT),
        ]
    )
    ((messages, _, _),) = model.asked
    assert messages == [
        Message("system", "Be brief."),
        Message("system", "Be kind."),
        Message("user", "Where?"),
        Message("assistant", "Looking.", (ToolCall("c1", "find", '{"what": "canteen"}'),)),
        Message("tool", "north", tool_call_id="c1"),
        Message("assistant", "Here."),
        Message("assistant", "There."),
    ]


def test_texts_are_joined_and_thoughts_and_cache_marks_left_out() -> None:
    model = Scripted()
    blocks: list[ContentBlock] = [
        ThinkingBlock(content="Hm."),
        TextBlock(text="Where"),
        CachePoint(cache_control=CacheControl(type="ephemeral")),
        TextBlock(text="is it?"),
    ]
    LocalLLM(model).chat([ChatMessage(blocks)])
    assert model.asked[0][0] == [Message("user", "Where\nis it?")]


def test_a_models_tool_calls_come_back() -> None:
    completion = Completion(
        "", Usage(1, 1), "m", "tool_calls", (ToolCall("c1", "find", '{"what": "canteen"}'),)
    )
    message = to_chat_response(completion).message
    assert message.content == ""
    assert message.blocks[1] == ToolCallBlock(
        tool_call_id="c1", tool_name="find", tool_kwargs='{"what": "canteen"}'
    )


CALLS = ["chat", "complete", "stream_chat", "stream_complete"]


async def call(llm: LocalLLM, name: str, prompt: Any = None, **kwargs: Any) -> None:
    """Make one call of that name to its end."""
    prompt = prompt or (USER if "chat" in name else "Where?")
    answer = getattr(llm, name)(prompt, **kwargs)
    if name.startswith("a"):
        answer = await answer
    if name.startswith("astream"):
        _ = [piece async for piece in answer]
    elif "stream" in name:
        list(answer)


EVERY_CALL = pytest.mark.parametrize("name", [*CALLS, *(f"a{name}" for name in CALLS)])


@EVERY_CALL
async def test_options_of_a_call_are_honoured(name: str) -> None:
    model = Scripted()
    llm = LocalLLM(model, max_tokens=64, stop=["Q:"])
    await call(llm, name)
    await call(llm, name, max_tokens=9, stop=["\n", "END"])
    await call(llm, name, stop="END")
    await call(llm, name, stop=None, extra_headers={"beta": "1"})
    assert [asked[1:] for asked in model.asked] == [
        (64, ("Q:",)),
        (9, ("\n", "END")),
        (64, ("END",)),
        (64, ("Q:",)),
    ]


@EVERY_CALL
async def test_options_that_would_be_ignored_are_refused(name: str) -> None:
    model = Scripted()
    with pytest.raises(InputError, match=r"takes max_tokens and stop, not \['temperature'\]"):
        await call(LocalLLM(model), name, temperature=0)
    assert not model.asked


async def test_streams_refuse_before_the_first_piece_is_read() -> None:
    llm = LocalLLM(Scripted())
    with pytest.raises(InputError):
        llm.stream_chat(USER, temperature=0)
    with pytest.raises(InputError):
        await llm.astream_chat(USER, temperature=0)
    with pytest.raises(InputError):
        llm.stream_complete("Where?", temperature=0)


@pytest.mark.parametrize("name", ["chat", "stream_chat", "achat", "astream_chat"])
async def test_an_image_is_refused_clearly(name: str) -> None:
    picture = ChatMessage([TextBlock(text="What is this?"), ImageBlock(image=b"png")])
    with pytest.raises(InputError, match=r"message 1 \(user\) holds a block of type 'image'"):
        await call(LocalLLM(Scripted()), name, [USER[0], picture])


def test_bad_models_and_fields_are_refused() -> None:
    with pytest.raises(InputError, match="has no complete"):
        LocalLLM("gemma.gguf")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"has no \['temperature'\]"):
        LocalLLM(Scripted(), temperature=0)


@EVERY_CALL
async def test_a_models_error_comes_through(name: str) -> None:
    class Full:
        def complete(self, messages: Any, *, max_tokens: Any = None, stop: Any = ()) -> Completion:
            raise ContextOverflowError(5000, 4096)

    with pytest.raises(ContextOverflowError, match="5000 tokens"):
        await call(LocalLLM(Full()), name)


@EVERY_CALL
async def test_an_answer_without_usage_is_refused(name: str) -> None:
    class Plain:
        def complete(self, messages: Any, *, max_tokens: Any = None, stop: Any = ()) -> Any:
            return Answer("Yes.")

    class Answer(str):
        text = "Yes."

    with pytest.raises(ContractError, match=r"must return a ragthrift\.Completion"):
        await call(LocalLLM(Plain()), name)


@EVERY_CALL
async def test_llamaindex_counts_the_real_tokens_once(name: str) -> None:
    counting = TokenCountingHandler()
    llm = LocalLLM(Scripted(), callback_manager=CallbackManager([counting]))
    await call(llm, name)
    assert [
        (e.prompt_token_count, e.completion_token_count) for e in counting.llm_token_counts
    ] == [(40, 7)]
    assert counting.total_llm_token_count == 47


@EVERY_CALL
async def test_events_are_told_once(name: str, heard: Heard, called: Called) -> None:
    await call(LocalLLM(Scripted(), callback_manager=CallbackManager([called])), name)
    kind = "LLMChat" if "chat" in name else "LLMCompletion"
    assert [e.class_name() for e in heard.named(f"{kind}StartEvent", f"{kind}EndEvent")] == [
        f"{kind}StartEvent",
        f"{kind}EndEvent",
    ]
    (end,) = heard.named(f"{kind}EndEvent")
    assert end.response.raw["usage"] == IN_OPENAIS_WORDS
    assert [when for when, _ in called.of(CBEventType.LLM)] == ["start", "end"]


@pytest.mark.parametrize("name", ["achat", "acomplete", "astream_chat", "astream_complete"])
async def test_awaited_calls_run_side_by_side(name: str) -> None:
    together = threading.Barrier(3, timeout=5)

    class Meeting(Scripted):
        def complete(self, *args: Any, **kwargs: Any) -> Completion:
            together.wait()
            return super().complete(*args, **kwargs)

    llm = LocalLLM(Meeting(seconds=0.3))
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await asyncio.gather(*(call(llm, name) for _ in range(3)))
    assert ticks > 5
    ticking.cancel()


def test_serialisation_leaves_the_model_out() -> None:
    llm = LocalLLM(Scripted(), model_name="gemma", max_tokens=64, system_prompt="Be brief.")
    as_dict = llm.to_dict()
    assert "llm" not in as_dict
    assert json.loads(llm.to_json())["model_name"] == "gemma"
    again = LocalLLM.from_dict(as_dict, llm=Scripted("Yes."))
    assert (again.model_name, again.max_tokens, again.system_prompt) == ("gemma", 64, "Be brief.")
    assert again.complete("Open?").text == "Yes."
    assert pickle.loads(pickle.dumps(llm)).complete("Where?").text == "In the north wing."


def test_events_hold_no_secret_of_the_model(heard: Heard) -> None:
    @dataclass
    class Keyed(Scripted):
        api_key: str = "sk-1"

    LocalLLM(Keyed(), model_name="keyed").chat(USER)
    (start,) = heard.named("LLMChatStartEvent")
    assert start.model_dict["model_name"] == "keyed"
    assert "sk-1" not in str(start.model_dict)
