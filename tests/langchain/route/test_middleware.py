"""The model of an agent, chosen for each question."""

import logging
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import (
    ModelFallbackMiddleware,
    ModelRetryMiddleware,
    wrap_model_call,
)
from langchain.agents.structured_output import ToolStrategy
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolCall
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from langchain_ragthrift import RoutingMiddleware, tiers_of
from ragthrift.route import Answered, Routed, Router
from tests.langchain.route.fakes import EASY, PRICES, LimitError, Speaker, pair

DECLINED = "I'm sorry, I can't help with that."
both = pytest.mark.parametrize("how", ["sync", "async"])


class Opening(BaseModel):
    """When the canteen opens."""

    hour: int


@tool
def opening(day: str) -> str:
    """When the canteen opens."""
    return "nine"


def routing(models: dict[str, BaseChatModel], *, verify: bool = False, **options: Any) -> Any:
    router = Router(tiers_of(models, PRICES), on_error="raise", **options)
    return RoutingMiddleware(router, models, verify=verify)


async def ask(agent: Any, how: str, asked: str = EASY, **config: Any) -> Any:
    state = {"messages": [HumanMessage(asked)]}
    done = await agent.ainvoke(state, config) if how == "async" else agent.invoke(state, config)
    return done["messages"][-1]


def told(message: Any) -> dict[str, Any]:
    found: dict[str, Any] = message.response_metadata["routing"]
    return found


@both
async def test_the_chosen_tier_takes_the_model_s_place(how: str) -> None:
    ledger: list[Routed] = []
    models, spent = pair(), UsageMetadataCallbackHandler()
    middleware = routing(models, on_run=ledger.append)
    agent = create_agent(models["strong"], [opening], middleware=[middleware])
    answer = await ask(agent, how, callbacks=[spent])
    assert (answer.text, told(answer)["tier"]) == ("Nine, cheaply.", "cheap")
    assert models["strong"].calls == 0
    assert spent.usage_metadata["small"]["total_tokens"] == 24
    assert sum(one.usage.total_tokens for one in ledger) == 24
    assert [one.decision.kind for one in ledger] == ["choice", "pinned"]


@both
async def test_a_question_stays_with_its_tier(how: str) -> None:
    models = pair(cheap=[LimitError("slow down"), "Later."])
    agent = create_agent(models["strong"], [opening], middleware=[routing(models)])
    assert (await ask(agent, how)).text == "Nine, strongly."
    assert (models["cheap"].calls, models["strong"].calls) == (1, 2)


@both
async def test_a_tier_that_fails_in_the_middle_is_left(how: str) -> None:
    call = AIMessage("", tool_calls=[ToolCall(name="opening", args={"day": "now"}, id="1")])
    models = pair(cheap=[call, LimitError("slow down")])
    agent = create_agent(models["strong"], [opening], middleware=[routing(models)])
    assert (await ask(agent, how)).text == "Nine, strongly."


@both
async def test_a_fallback_has_the_last_word(how: str) -> None:
    """Also one that is the model of a tier, or the default itself."""
    down = [LimitError("slow down")]
    for number in range(3):
        models = pair(cheap=down, strong=[*down, "Nine, after all."])
        spare = [Speaker(says="Nine, from elsewhere."), models["strong"], models["strong"]][number]
        middleware: list[Any] = [ModelFallbackMiddleware(spare), routing(models)]
        agent = create_agent(models["strong"], middleware=middleware)
        answer = await ask(agent, how)
        assert answer.text in ("Nine, from elsewhere.", "Nine, after all.")
        assert "routing" not in answer.response_metadata


@both
async def test_a_fallback_inside_helps_each_tier(how: str) -> None:
    models = pair(cheap=[LimitError("slow down")])
    spare = Speaker(name_of_model="spare", says="Nine, from elsewhere.")
    middleware: list[Any] = [routing(models), ModelFallbackMiddleware(spare)]
    answer = await ask(create_agent(models["strong"], middleware=middleware), how)
    assert (answer.text, told(answer)["tier"]) == ("Nine, from elsewhere.", "cheap")


@both
async def test_what_is_tried_again_goes_to_the_agent_s_model(how: str) -> None:
    models = pair(cheap=[LimitError("a")], strong=[LimitError("b"), "Nine, after all."])
    retry: Any = ModelRetryMiddleware(max_retries=2, initial_delay=0.0)
    agent = create_agent(models["strong"], middleware=[retry, routing(models)])
    assert (await ask(agent, how)).text == "Nine, after all."
    assert (await ask(agent, how)).response_metadata["routing"]["tier"] == "strong"


@both
async def test_another_model_is_left_alone(how: str, caplog: pytest.LogCaptureFixture) -> None:
    models, other = pair(), Speaker(says="Nine, by my own choice.")
    agent = create_agent(other, middleware=[routing(models)])
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert (await ask(agent, how)).text == "Nine, by my own choice."
    assert [record.message[:17] for record in caplog.records] == ["the agent's model"]


@both
async def test_answers_are_checked_where_wished(how: str) -> None:
    models = pair(cheap=DECLINED)
    agent = create_agent(models["strong"], middleware=[routing(models, verify=True)])
    answer = await ask(agent, how)
    assert [one["purpose"] for one in told(answer)["attempts"]] == ["answer", "escalation"]
    state: Any = {"messages": [HumanMessage(EASY)]}
    listened: Any = agent.stream(state, stream_mode="messages")
    said = [one for one, _ in listened]
    assert "".join(str(one.text) for one in said) == "Nine, strongly."


@both
async def test_words_reach_the_reader_as_they_come(how: str) -> None:
    models = pair()
    agent = create_agent(models["strong"], middleware=[routing(models)])
    state: Any = {"messages": [HumanMessage(EASY)]}
    if how == "async":
        said: list[Any] = [one async for one, _ in agent.astream(state, stream_mode="messages")]
    else:
        said = [one for one, _ in agent.stream(state, stream_mode="messages")]
    assert [str(one.text) for one in said if one.text] == ["Nine, ", "cheaply."]


@both
async def test_tools_and_structured_output_are_gates(how: str) -> None:
    models: dict[str, Any] = {
        "cheap": Speaker(fixed_profile={"tool_calling": False}, says="Nine, cheaply."),
        "strong": Speaker(
            says=AIMessage("", tool_calls=[ToolCall(name="Opening", args={"hour": 9}, id="1")])
        ),
    }
    agent = create_agent(models["strong"], middleware=[routing(models)])
    assert told(await ask(agent, how))["tier"] == "cheap"
    strategy = ToolStrategy(Opening)
    agent = create_agent(models["strong"], response_format=strategy, middleware=[routing(models)])
    state: Any = {"messages": [HumanMessage(EASY)]}
    done = await agent.ainvoke(state) if how == "async" else agent.invoke(state)
    assert done["structured_response"] == Opening(hour=9)
    assert models["cheap"].calls == 1


@both
async def test_threads_are_conversations(how: str) -> None:
    seen: list[str | None] = []

    def look(answered: Answered) -> None:
        seen.append(answered.call.conversation)

    models = pair()
    agent = create_agent(
        models["strong"],
        middleware=[routing(models, checks=[look])],
        checkpointer=InMemorySaver(),
    )
    for asked in (EASY, "And on Sunday?"):
        await ask(agent, how, asked, configurable={"thread_id": "t1"})
    assert seen == ["t1", "t1"]
    assert len(models["cheap"].heard[1][0]) == 3


@both
async def test_shadow_calls_ask_the_model_alone(how: str, tmp_path: Any) -> None:
    requests: list[Any] = []

    @wrap_model_call
    async def counting(request: Any, handler: Any) -> Any:
        requests.append(request.model)
        return await handler(request)

    @wrap_model_call
    def counting_too(request: Any, handler: Any) -> Any:
        requests.append(request.model)
        return handler(request)

    models = pair()
    middleware = routing(models, log=tmp_path / "log.db", shadow_share=1.0)
    inside: Any = counting if how == "async" else counting_too
    agent = create_agent(models["strong"], [opening], middleware=[middleware, inside])
    said: list[Any] = []
    state: Any = {"messages": [HumanMessage("What is 2?")]}
    models["cheap"].calls_tools = False
    if how == "async":
        said = [one async for one, _ in agent.astream(state, stream_mode="messages")]
    else:
        said = [one for one, _ in agent.stream(state, stream_mode="messages")]
    middleware._policy.router.close()
    assert "".join(str(one.text) for one in said) == "Nine, cheaply."
    assert requests == [models["cheap"]]
    messages, kwargs = models["strong"].heard[0]
    assert (messages[-1].text, len(kwargs["tools"])) == ("What is 2?", 1)


@both
async def test_an_interrupt_is_no_failure(how: str) -> None:
    asked: list[str] = []

    def approve(request: Any) -> None:
        asked.append(interrupt("May I?"))

    @wrap_model_call
    def approving(request: Any, handler: Any) -> Any:
        approve(request)
        return handler(request)

    @wrap_model_call
    async def approving_too(request: Any, handler: Any) -> Any:
        approve(request)
        return await handler(request)

    models = pair()
    inside: Any = approving_too if how == "async" else approving
    agent: Any = create_agent(
        models["strong"], middleware=[routing(models), inside], checkpointer=InMemorySaver()
    )
    config = {"configurable": {"thread_id": "t1"}}
    state = {"messages": [HumanMessage(EASY)]}
    if how == "async":
        await agent.ainvoke(state, config)
        done = await agent.ainvoke(Command(resume="yes"), config)
    else:
        agent.invoke(state, config)
        done = agent.invoke(Command(resume="yes"), config)
    assert asked == ["yes"]
    assert told(done["messages"][-1])["tier"] == "cheap"


async def test_models_must_be_there() -> None:
    models = pair()
    router = Router(tiers_of(models))
    with pytest.raises(ValueError, match="none for the tier 'strong'"):
        RoutingMiddleware(router, {"cheap": models["cheap"]})
