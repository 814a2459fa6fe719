"""Several LLMs as one: the same answers in every way, each attempt counted once."""

import asyncio
from typing import Any

import pytest
from llama_index.core import Settings
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, MessageRole, TextBlock
from llama_index.core.callbacks import CallbackManager, CBEventType, TokenCountingHandler
from llama_index.core.llms import MockLLM

from llama_index_ragthrift import RouterLLM, tiers_of
from llama_index_ragthrift.route.record import MARK
from ragthrift import InputError, Price, Tier
from ragthrift.route import Router
from tests.llama_index.conftest import Called, Heard
from tests.llama_index.route.fakes import (
    ASKED,
    CHEAP,
    EVERY_FORM,
    METHOD,
    TIERS,
    Setting,
    ask,
    collected,
    prefers,
    text,
)
from tests.llama_index.route.llms import ANSWER, OtherProvider, Scripted


@EVERY_FORM
@METHOD
async def test_every_way_asks_the_chosen_llm_in_the_same_way(form: str, method: str) -> None:
    for chosen in TIERS:
        setting = Setting(
            Scripted("The small one."), Scripted("The large one."), model=prefers(chosen.name)
        )
        response = await ask(setting.llm, form, method)
        assert text(response) == f"The {chosen.model} one."
        picked = setting.cheap if chosen == CHEAP else setting.strong
        assert picked.forms == [form + method]
        assert len(setting.cheap.asked) + len(setting.strong.asked) == 1


@EVERY_FORM
@METHOD
async def test_the_answer_carries_the_record(form: str, method: str) -> None:
    setting = Setting()
    response = await ask(setting.llm, form, method)
    record = response.additional_kwargs[MARK]
    assert record == response.raw[MARK]
    assert response.raw["usage"]["prompt_tokens"] == 40
    assert (record["tier"], record["model"], record["action"]) == ("cheap", "small", "answer")
    [attempt] = record["attempts"]
    assert (attempt["input_tokens"], attempt["output_tokens"]) == (40, 7)
    assert record["dollars"] == pytest.approx((40 * 0.1 + 7 * 0.4) / 1e6)
    assert record["dollars"] == setting.runs[0].dollars
    assert "expected quality" in record["reason"]


@pytest.mark.parametrize("form", ["stream_", "astream_"])
@METHOD
async def test_a_stream_comes_piece_by_piece_and_names_its_tier(form: str, method: str) -> None:
    setting = Setting(Scripted(ANSWER, seconds=0.001))
    given = ASKED if method == "complete" else [ChatMessage(ASKED)]
    stream = getattr(setting.llm, form + method)(given)
    responses = await collected(await stream if form.startswith("a") else stream)
    assert "".join(one.delta for one in responses) == ANSWER
    assert len(responses) == len(ANSWER.split()) + 1
    assert {one.additional_kwargs[MARK]["tier"] for one in responses} == {"cheap"}
    assert responses[-1].delta == ""
    assert text(responses[-1]) == ANSWER


def test_a_stream_that_is_left_is_closed_and_billed() -> None:
    setting = Setting()
    stream = setting.llm.stream_chat([ChatMessage(ASKED)])
    next(iter(stream))
    stream.close()
    [run] = setting.runs
    assert run.answer is None
    assert isinstance(run.error, GeneratorExit)
    assert run.attempts[0].estimated


async def test_an_awaited_stream_that_is_left_is_closed() -> None:
    setting = Setting(Scripted(ANSWER, seconds=0.001))
    stream: Any = await setting.llm.astream_chat([ChatMessage(ASKED)])
    async for _ in stream:
        break
    await stream.aclose()
    for _ in range(100):
        if setting.runs:
            break
        await asyncio.sleep(0.01)
    assert isinstance(setting.runs[0].error, GeneratorExit)


@EVERY_FORM
async def test_an_empty_answer_of_all_is_an_empty_response(form: str) -> None:
    setting = Setting(Scripted([]), Scripted([]))
    response = await ask(setting.llm, form)
    assert text(response) == ""
    assert response.additional_kwargs[MARK]["findings"][0].startswith("empty")


@EVERY_FORM
@METHOD
async def test_usage_is_counted_once(form: str, method: str, heard: Heard, called: Called) -> None:
    counter = TokenCountingHandler(tokenizer=str.split)
    manager = CallbackManager([counter, called])
    cheap = Scripted(callback_manager=manager)
    setting = Setting(cheap, Scripted(callback_manager=manager))
    await ask(setting.llm, form, method)
    assert (counter.prompt_llm_token_count, counter.completion_llm_token_count) == (40, 7)
    assert [when for when, _ in called.of(CBEventType.LLM)] == ["start", "end"]
    kind = "Chat" if method == "chat" else "Completion"
    assert len(heard.named(f"LLM{kind}StartEvent")) == 1
    assert len(heard.named(f"LLM{kind}EndEvent")) == 1


def test_metadata_is_what_all_can_do() -> None:
    setting = Setting(Scripted(window=8000), Scripted(window=128_000, name="large"))
    known = setting.llm.metadata
    assert (known.context_window, known.num_output) == (8000, 256)
    assert known.is_chat_model
    assert known.is_function_calling_model
    assert known.model_name == "small | large"
    lesser = Setting(Scripted(tools=False, chats=False)).llm.metadata
    assert not lesser.is_chat_model
    assert not lesser.is_function_calling_model


def test_a_planned_prompt_fits_where_the_smallest_window_has_more_room() -> None:
    class Talkative(Scripted):
        @property
        def metadata(self) -> Any:
            return super().metadata.model_copy(update={"num_output": 6000})

    known = Setting(Scripted(window=4000), Talkative(window=8000)).llm.metadata
    assert known.context_window - known.num_output == 2000


def test_tiers_are_what_their_llms_say() -> None:
    llms = {
        "cheap": Scripted(tools=False, window=8000),
        "strong": Scripted(name="gpt-5"),
        "mock": MockLLM(),
    }
    cheap, strong, mock = tiers_of(llms, {"cheap": Price(0.1, 0.4)})
    assert cheap == Tier("cheap", "small", Price(0.1, 0.4), 8000, tools=False)
    assert strong == Tier("strong", "gpt-5", None, 4096)
    assert (mock.model, mock.tools) == ("mock", False)


@EVERY_FORM
async def test_a_pinned_call_goes_where_it_says(form: str) -> None:
    setting = Setting(model=prefers("cheap"))
    for pin in ({"tier": "strong"}, {"model": "large"}):
        response = await ask(setting.llm, form, temperature=0, **pin)
        assert response.additional_kwargs[MARK]["tier"] == "strong"
        assert setting.strong.asked[-1][2] == {"temperature": 0}
    with pytest.raises(InputError, match="no tier can answer"):
        await ask(setting.llm, form, tier="middle")


def test_the_call_has_what_the_messages_need() -> None:
    tiers = [CHEAP, Tier("strong", "large", Price(3, 15), modalities=("text", "image"))]
    setting = Setting(tiers=tiers, model=prefers("cheap"))
    picture = ChatMessage(blocks=[TextBlock(text="What is it?"), ImageBlock(url="http://x/y.png")])
    response = setting.llm.chat([picture])
    assert response.additional_kwargs[MARK]["tier"] == "strong"
    assert setting.strong.asked[0][1] == [picture]
    assert setting.model.asks[0].question == "What is it?"


def test_odd_turns_are_routed() -> None:
    setting = Setting()
    turns = [
        ChatMessage("Be brief.", role=MessageRole.SYSTEM),
        ChatMessage(role=MessageRole.TOOL, content="nine"),
        ChatMessage(role=MessageRole.USER, blocks=[]),
        ChatMessage(ASKED),
    ]
    setting.llm.chat(turns)
    assert setting.cheap.asked[0][1] == turns


def test_callback_managers_reach_the_llms() -> None:
    setting = Setting()
    manager = CallbackManager([])
    setting.llm.callback_manager = manager
    assert setting.cheap.callback_manager is manager
    assert setting.strong.callback_manager is manager
    before = Settings._llm
    try:
        Settings.llm = setting.llm
        assert Settings.llm is setting.llm
    finally:
        Settings._llm = before


def test_it_is_saved_without_its_parts() -> None:
    setting = Setting(hold="sentence")
    saved = setting.llm.to_dict()
    assert saved["class_name"] == "RouterLLM"
    assert saved["hold"] == "sentence"
    assert not {"router", "llms", "conversation"} & saved.keys()
    loaded = RouterLLM.from_dict(saved, router=setting.router, llms=setting.llm.llms)
    assert loaded.hold == "sentence"


def test_what_does_not_fit_is_refused() -> None:
    router = Router(TIERS)
    with pytest.raises(InputError, match=r"none for \['strong'\]"):
        RouterLLM(router, {"cheap": MockLLM()})
    with pytest.raises(InputError, match="no LLMs of LlamaIndex"):
        RouterLLM(router, {"cheap": MockLLM(), "strong": "gpt-5"})  # type: ignore[dict-item]
    with pytest.raises(InputError, match=r"no \['temperature'\]"):
        RouterLLM(router, {"cheap": MockLLM(), "strong": MockLLM()}, temperature=0)
    with pytest.raises(ValueError, match="hold"):
        RouterLLM(router, {"cheap": MockLLM(), "strong": MockLLM()}, hold="word")


def test_a_conversation_stays_where_its_prompt_cache_is_warm() -> None:
    usage = {"prompt_tokens": 9000, "completion_tokens": 7}
    named = iter([None, "one", "one"])
    model = prefers("strong")
    setting = Setting(
        strong=Scripted(name="large", usage=usage),
        tiers=[CHEAP, Tier("strong", "large", Price(0.11, 0.44, cache_read=0.001))],
        model=model,
        conversation=lambda: next(named),
    )
    turn = [ChatMessage("word " * 9000)]
    setting.llm.chat(turn)
    setting.llm.chat(turn)
    model.qualities = {"cheap": 0.8, "strong": 0.8}
    assert setting.llm.chat(turn).additional_kwargs[MARK]["tier"] == "strong"
    setting.llm.conversation = None
    assert setting.llm.chat(turn).additional_kwargs[MARK]["tier"] == "cheap"


async def test_a_hundred_at_once_are_answered_side_by_side() -> None:
    def echo(messages: Any) -> str:
        return f"Here is {messages[-1].content}."

    setting = Setting(Scripted(echo, seconds=0.05), OtherProvider(echo))
    names = [f"number-{at}" for at in range(100)]
    answers = await asyncio.gather(*(setting.llm.achat([ChatMessage(name)]) for name in names))
    assert [text(answer) for answer in answers] == [f"Here is {name}." for name in names]
    assert len(setting.runs) == len(setting.cheap.asked) == 100
    spent = sum(answer.additional_kwargs[MARK]["dollars"] for answer in answers)
    assert spent == pytest.approx(sum(run.dollars or 0 for run in setting.runs))


async def test_a_hundred_streams_come_side_by_side() -> None:
    setting = Setting(Scripted(ANSWER, seconds=0.01))
    turns = [ChatMessage(ASKED)]
    asked = [setting.llm.astream_chat(turns) for _ in range(100)]
    streams = await asyncio.gather(*asked)
    texts = await asyncio.gather(*(collected(stream) for stream in streams))
    assert {"".join(one.delta for one in pieces) for pieces in texts} == {ANSWER}
    assert len(setting.runs) == 100


async def test_who_stops_waiting_stops_the_llm() -> None:
    setting = Setting(Scripted(ANSWER, seconds=30))
    waiting = asyncio.create_task(setting.llm.achat([ChatMessage(ASKED)]))
    await asyncio.sleep(0.1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert setting.cheap.asked == []
    assert setting.strong.asked == []
