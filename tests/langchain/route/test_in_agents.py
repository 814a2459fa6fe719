"""A router as the model of an agent."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, ToolCall
from langchain_core.tools import create_retriever_tool, tool
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel

from ragthrift.route import Answered, Routed
from tests.langchain.fakes import Shelf
from tests.langchain.route.fakes import EASY, LimitError, Speaker, pair, routed_by

DECLINED = "I'm sorry, I can't help with that."
both = pytest.mark.parametrize("how", ["sync", "async"])


class Opening(BaseModel):
    """When the canteen opens."""

    hour: int


@tool
def opening(day: str) -> str:
    """When the canteen opens."""
    return "nine"


async def ask(agent: Any, how: str, **config: Any) -> dict[str, Any]:
    state = {"messages": [HumanMessage(EASY)]}
    done = await agent.ainvoke(state, config) if how == "async" else agent.invoke(state, config)
    assert isinstance(done, dict)
    return done


async def told(agent: Any, how: str) -> list[Any]:
    """What an agent streams, message by message."""
    state = {"messages": [HumanMessage(EASY)]}
    if how == "async":
        return [said async for said, _ in agent.astream(state, stream_mode="messages")]
    return [said for said, _ in agent.stream(state, stream_mode="messages")]


def calling(name: str, **arguments: Any) -> AIMessage:
    return AIMessage("", tool_calls=[ToolCall(name=name, args=arguments, id=f"{name}-1")])


@both
async def test_a_loop_with_tools(how: str) -> None:
    ledger: list[Routed] = []
    models, spent = pair(), UsageMetadataCallbackHandler()
    agent = create_agent(routed_by(models, on_run=ledger.append), [opening])
    done = await ask(agent, how, callbacks=[spent])
    assert [m.type for m in done["messages"]] == ["human", "ai", "tool", "ai"]
    assert done["messages"][-1].text == "Nine, cheaply."
    assert [one.tier.name for one in ledger if one.tier] == ["cheap", "cheap"]
    assert spent.usage_metadata["small"]["total_tokens"] == 24


@both
async def test_a_thread_is_a_conversation(how: str) -> None:
    seen: list[str | None] = []

    def look(answered: Answered) -> None:
        seen.append(answered.call.conversation)

    agent = create_agent(routed_by(pair(), checks=[look]), [], checkpointer=InMemorySaver())
    for _ in range(2):
        done = await ask(agent, how, configurable={"thread_id": "t1"})
    assert len(done["messages"]) == 4
    assert seen == ["t1", "t1"]


@both
async def test_words_reach_the_reader_as_they_come(how: str) -> None:
    agent = create_agent(routed_by(pair()), [])
    said = await told(agent, how)
    assert [str(one.text) for one in said if one.text] == ["Nine, ", "cheaply."]
    assert len({one.id for one in said}) == 1


@both
async def test_what_is_checked_reaches_the_reader_alone(how: str) -> None:
    models = pair(cheap=DECLINED)
    agent = create_agent(routed_by(models, verify=True), [])
    said = await told(agent, how)
    assert "".join(str(one.text) for one in said) == "Nine, strongly."
    assert (models["cheap"].calls, models["strong"].calls) == (1, 1)


@both
async def test_a_reader_of_words_gets_what_was_chosen(how: str) -> None:
    models = pair(cheap=DECLINED)
    said = await told(create_agent(routed_by(models), []), how)
    assert "".join(str(one.text) for one in said) == DECLINED
    assert models["strong"].calls == 0


@pytest.mark.filterwarnings("ignore:The v3 streaming protocol")
@pytest.mark.parametrize(("verify", "expected"), [(False, DECLINED), (True, "Nine, strongly.")])
async def test_a_graph_s_events_of_version_3(verify: bool, expected: str) -> None:
    agent: Any = create_agent(routed_by(pair(cheap=DECLINED), verify=verify), [])
    state = {"messages": [HumanMessage(EASY)]}
    run = agent.stream_events(state, version="v3")
    assert ["".join(message.text) for message in run.messages] == [expected]
    run = await agent.astream_events(state, version="v3")
    assert [await message.text async for message in run.messages] == [expected]


@both
async def test_a_tier_that_fails_is_replaced(how: str) -> None:
    agent = create_agent(routed_by(pair(cheap=[LimitError("slow down")])), [])
    assert (await ask(agent, how))["messages"][-1].text == "Nine, strongly."


@both
async def test_structured_answers_by_tool(how: str) -> None:
    script = [calling("opening", day="today"), calling("Opening", hour=9)]
    agent = create_agent(routed_by(pair(cheap=script)), [opening], response_format=Opening)
    done = await ask(agent, how)
    assert done["structured_response"] == Opening(hour=9)
    agent = create_agent(
        routed_by(pair(cheap=calling("Opening", hour=9))),
        response_format=ToolStrategy(Opening),
    )
    assert (await ask(agent, how))["structured_response"] == Opening(hour=9)


@both
async def test_structured_answers_by_the_provider(how: str) -> None:
    models = pair(cheap=['{"hour": "nine"}', '{"hour": 9}'])
    agent = create_agent(routed_by(models), response_format=ProviderStrategy(Opening))
    done = await ask(agent, how)
    assert done["structured_response"] == Opening(hour=9)
    attempts = done["messages"][-1].response_metadata["routing"]["attempts"]
    assert [one["purpose"] for one in attempts] == ["answer", "repair"]


async def test_documents_of_tools_are_the_passages() -> None:
    seen: list[Any] = []
    shelf = Shelf(documents=[Document("The canteen opens at nine.", id="c1")])
    search = create_retriever_tool(
        shelf, "search", "Searches.", response_format="content_and_artifact"
    )
    models = {
        "cheap": Speaker(name_of_model="small", says="The shuttle leaves at 17:45 from Gate 4."),
        "strong": Speaker(name_of_model="large", says="The canteen opens at nine."),
    }

    def look(answered: Answered) -> None:
        seen.append([passage.id for passage in answered.ask.passages])

    chat = routed_by(models, checks=[look])
    agent = create_agent(chat, [search])
    await ask(agent, "sync")
    assert seen == [[], ["c1"]]
