"""Tools through the router: each LLM has its own form of them."""

from typing import Any

import pytest
from llama_index.core.agent.workflow import AgentStream, FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.tools import FunctionTool

from llama_index_ragthrift.route.record import MARK
from ragthrift import InputError, Price, Tier
from tests.llama_index.fakes import Scripted as Model
from tests.llama_index.route.fakes import (
    CHEAP,
    EVERY_FORM,
    WHOLE,
    Setting,
    collected,
    prefers,
    text,
)
from tests.llama_index.route.llms import ANSWER, OtherProvider, Scripted, calling


def lift(floor: int) -> str:
    """Go somewhere."""
    return f"on floor {floor}"


LIFT = FunctionTool.from_defaults(lift)


def then_answer(*first: Any) -> Any:
    """Calls the tool, and says what it gave."""

    def says(messages: list[ChatMessage]) -> Any:
        if messages[-1].role == MessageRole.TOOL:
            return f"You are {messages[-1].content}."
        return first[0]

    return says


async def ask(setting: Setting, form: str, **options: Any) -> Any:
    said = getattr(setting.llm, f"{form}chat_with_tools")([LIFT], "Go to three", **options)
    said = await said if form.startswith("a") else said
    return (await collected(said))[-1] if "stream" in form else said


@EVERY_FORM
@pytest.mark.parametrize("tier", ["cheap", "strong"])
async def test_tools_are_called_in_the_llms_own_way(form: str, tier: str) -> None:
    setting = Setting(
        Scripted(calling("lift", floor=3)),
        OtherProvider(calling("lift", floor=3)),
        model=prefers(tier),
    )
    response = await ask(setting, form, tool_required=True)
    [selection] = setting.llm.get_tool_calls_from_response(response)
    assert (selection.tool_name, selection.tool_kwargs) == ("lift", {"floor": 3})
    assert selection.tool_id == ("own" if tier == "strong" else "call-lift")
    llm = setting.strong if tier == "strong" else setting.cheap
    [(asked, turns, options)] = llm.asked
    assert asked == f"{form}chat"
    assert options == {"tools": [f"{llm.name}:lift"], "tool_required": True}
    assert [turn.content for turn in turns] == ["Go to three"]
    assert response.additional_kwargs[MARK]["tier"] == tier


@WHOLE
async def test_wrong_arguments_are_mended_by_the_same_llm(form: str) -> None:
    cheap = Scripted(calling("lift", floor="three"), calling("lift", floor=3))
    setting = Setting(cheap)
    response = await ask(setting, form)
    [selection] = setting.llm.get_tool_calls_from_response(response)
    assert selection.tool_kwargs == {"floor": 3}
    attempts = response.additional_kwargs[MARK]["attempts"]
    assert [one["purpose"] for one in attempts] == ["answer", "repair"]
    first, said, complaint = cheap.asked[1][1]
    assert first.content == "Go to three"
    assert said.blocks == [calling("lift", floor="three")]
    assert complaint.role == MessageRole.TOOL
    assert complaint.additional_kwargs == {"tool_call_id": "call-lift"}
    assert "'three' is not of type 'integer'" in str(complaint.content)


@WHOLE
async def test_what_cannot_be_mended_goes_up(form: str) -> None:
    setting = Setting(Scripted(calling("stairs")), OtherProvider(calling("lift", floor=3)))
    response = await ask(setting, form)
    assert response.additional_kwargs[MARK]["tier"] == "strong"
    assert setting.llm.get_tool_calls_from_response(response)[0].tool_name == "lift"
    assert len(setting.cheap.asked) == 2


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("tier", ["cheap", "strong"])
async def test_an_agent_calls_its_tools(streaming: bool, tier: str) -> None:
    call = calling("lift", floor=3)
    setting = Setting(
        Scripted(then_answer(call)), OtherProvider(then_answer(call)), model=prefers(tier)
    )
    agent = FunctionAgent(tools=[lift], llm=setting.llm, streaming=streaming)
    running = agent.run("Go to three")
    deltas = [event.delta async for event in running.stream_events() if type(event) is AgentStream]
    output: Any = await running
    assert str(output) == "You are on floor 3."
    assert "".join(deltas) == ("You are on floor 3." if streaming else "")
    assert output.raw[MARK]["tier"] == tier
    assert len(setting.runs) == 2
    assert [ask.question for ask in setting.model.asks] == ["Go to three"] * 2


async def test_a_tool_call_is_not_held_back() -> None:
    call = calling("lift", floor=3)
    setting = Setting(Scripted(then_answer(call)), hold="sentence")
    agent = FunctionAgent(tools=[lift], llm=setting.llm)
    assert str(await agent.run("Go to three")) == "You are on floor 3."
    assert setting.strong.asked == []


async def test_an_agent_may_change_the_provider_between_its_steps() -> None:
    setting = Setting(
        Scripted(then_answer(calling("lift", floor=3))), OtherProvider("You are there.")
    )
    setting.model.qualities = {"cheap": 0.9, "strong": 0.1}

    def after(messages: list[ChatMessage]) -> Any:
        setting.model.qualities = {"cheap": 0.1, "strong": 0.9}
        return calling("lift", floor=3)

    setting.cheap._says = [after]
    agent = FunctionAgent(tools=[lift], llm=setting.llm)
    assert str(await agent.run("Go to three")) == "You are there."
    turns = setting.strong.asked[0][1]
    assert [turn.role for turn in turns] == ["user", "assistant", "tool"]


def test_a_tool_is_called_in_one_step() -> None:
    setting = Setting(Scripted(calling("lift", floor=3)))
    assert setting.llm.predict_and_call([LIFT], "Go to three").response == "on floor 3"


async def test_a_tier_without_tools_is_not_asked_for_them() -> None:
    tiers = [Tier("cheap", "small", Price(0.1, 0.4), tools=False), Tier("strong", "large")]
    setting = Setting(tiers=tiers, model=prefers("cheap"))
    assert text(await ask(setting, "a")) == "The large one says nine."
    assert text(setting.llm.chat([ChatMessage("Hello")])) == ANSWER


def test_an_llm_without_tools_says_so() -> None:
    from llama_index_ragthrift import LocalLLM

    setting = Setting(LocalLLM(Model()), LocalLLM(Model()), tiers=[CHEAP, Tier("strong", "large")])
    assert not setting.llm.metadata.is_function_calling_model
    with pytest.raises(InputError, match=r"LocalLLM calls no tools; say so with Tier"):
        setting.llm.chat_with_tools([LIFT], "Go to three")
    with pytest.raises(InputError, match="none of the LLMs calls tools"):
        setting.llm.get_tool_calls_from_response(setting.llm.chat([ChatMessage("Hello")]))


def test_tools_are_prepared_by_the_llms() -> None:
    with pytest.raises(InputError, match="call chat_with_tools"):
        Setting().llm._prepare_chat_with_tools([LIFT])
