"""A budget in chains and agents."""

from itertools import count
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel

from langchain_ragthrift import BudgetedModel, OutputBudgetMiddleware
from langchain_ragthrift.output.sending import instructed
from ragthrift.prompt.output import Allowance, OutputBudget
from tests.langchain.output.models import Provider, invoked

LONG = " ".join(["word"] * 30)
PROMPT = ChatPromptTemplate.from_messages([("system", "Rules."), ("user", "{docs} {question}")])
GIVEN = {"docs": "Docs.", "question": "Soup?"}


def budget(**options: Any) -> OutputBudget:
    allowed = Allowance(words=12, answer_tokens=20)
    return OutputBudget({"faq": allowed}, **{"holdout": 0.0, **options})


def thread(own: OutputBudget, *, held: bool) -> RunnableConfig:
    name = next(f"t{n}" for n in count() if own.held_out(f"t{n}") == held)
    return {"configurable": {"thread_id": name}}


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_a_chain_sends_the_instruction_last_and_the_limit(how: str) -> None:
    model = Provider(lines=["It is pea soup."])
    chain = PROMPT | BudgetedModel(model, budget(), request_type="faq") | StrOutputParser()
    assert await invoked(chain, GIVEN, how) == "It is pea soup."
    system, question = model.heard[0]
    assert system.content == "Rules."
    assert str(question.content).startswith("Docs. Soup?\n\nAnswer in one sentence")
    assert model.options[0]["max_tokens"] == 20


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_a_cut_answer_is_asked_for_once_more(how: str) -> None:
    model, own = Provider(lines=[LONG]), budget(retry=True)
    answer = await invoked(BudgetedModel(model, own, request_type="faq"), "Soup?", how)
    assert str(answer.text) == LONG
    assert [told["max_tokens"] for told in model.options] == [20, 80]
    assert own.tally.counts() == {"budgeted": 1, "truncated": 1}


async def test_a_stream_stays_one_and_is_counted() -> None:
    model, own = Provider(lines=["It is pea soup."]), budget()
    budgeted = BudgetedModel(model, own, request_type="faq")
    pieces = list(budgeted.stream("Soup?"))
    assert len(pieces) > 3
    assert [type(piece) for piece in pieces] == [AIMessageChunk] * len(pieces)
    assert "".join([str(one.text) async for one in budgeted.astream("Soup?")]).strip()
    assert own.tally.counts() == {"budgeted": 2}
    assert model.options[0]["max_tokens"] == 20


async def test_a_conversation_is_held_out_as_a_whole() -> None:
    model, own = Provider(lines=["Yes."]), budget(holdout=0.5)
    budgeted = BudgetedModel(model, own, request_type="faq")
    for question in ("Soup?", "Fish?"):
        budgeted.invoke(question, thread(own, held=True))
        budgeted.invoke(question, thread(own, held=False))
    assert [len(told) for told in model.options] == [0, 1, 0, 1]
    assert own.tally.counts() == {"budgeted": 2, "held_out": 2}


def test_the_models_own_limit_is_never_passed() -> None:
    model = Provider(lines=["Yes."])
    BudgetedModel(model.bind(max_tokens=5), budget(), request_type="faq").invoke("Soup?")
    assert model.options[0]["max_tokens"] == 5


def test_a_model_that_thinks_keeps_its_room() -> None:
    model = Provider(lines=["Yes."], thought=500, profile={"reasoning_output": True})
    own = budget()
    answer = BudgetedModel(model, own, request_type="faq").invoke("Soup?")
    assert str(answer.text) == "Yes."
    assert "max_tokens" not in model.options[0]


def test_a_model_that_thinks_unsaid_loses_its_limit_at_the_first_empty_answer() -> None:
    model, own = Provider(lines=["Yes."], thought=500), budget()
    budgeted = BudgetedModel(model, own, request_type="faq")
    assert str(budgeted.invoke("Soup?").text) == ""
    assert str(budgeted.invoke("Soup?").text) == "Yes."


def test_pictures_stay_in_the_message() -> None:
    blocks: list[Any] = [{"type": "image", "url": "u"}, {"type": "text", "text": "What is it?"}]
    (message,) = instructed([HumanMessage(blocks)], "Be brief.")
    assert message.content == [*blocks, {"type": "text", "text": "Be brief."}]


@tool
def search(query: str) -> str:
    """Search the menu."""
    return "Pea soup."


CALL = AIMessage("", tool_calls=[{"name": "search", "args": {"query": "soup"}, "id": "1"}])


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_an_agent_gets_it_in_each_call_and_keeps_it_out_of_its_checkpoint(how: str) -> None:
    model, own = Provider(lines=[CALL, "It is pea soup."]), budget()
    agent = create_agent(
        model,
        [search],
        middleware=[OutputBudgetMiddleware(own, request_type="faq")],
        checkpointer=InMemorySaver(),
    )
    state = await invoked(agent, {"messages": [("user", "Soup?")]}, how, thread(own, held=False))
    assert [told["max_tokens"] for told in model.options] == [20, 20]
    first, second = model.heard
    assert str(first[-1].content).endswith("at most 12 words.")
    assert isinstance(second[-2], ToolMessage)
    assert second[-1].content == "Answer in one sentence of at most 12 words."
    assert str(second[0].content) == "Soup?"
    kinds = [message.type for message in state["messages"]]
    assert kinds == ["human", "ai", "tool", "ai"]
    assert state["messages"][0].content == "Soup?"


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_an_agent_with_tools_asks_again_for_what_was_cut(how: str) -> None:
    """Half a tool call cannot be run."""
    model, own = Provider(lines=[LONG]), budget()
    agent = create_agent(
        model, [search], middleware=[OutputBudgetMiddleware(own, request_type="faq")]
    )
    state = await invoked(agent, {"messages": [("user", "Soup?")]}, how)
    assert state["messages"][-1].text == LONG
    assert len(model.heard) == 2
    assert own.tally.counts() == {"budgeted": 1, "truncated": 1}


def test_an_agents_structured_answer_is_left_alone() -> None:
    class Soup(BaseModel):
        name: str

    call = AIMessage("", tool_calls=[{"name": "Soup", "args": {"name": "Pea"}, "id": "1"}])
    model = Provider(lines=[call])
    agent: Any = create_agent(
        model,
        middleware=[OutputBudgetMiddleware(budget(), request_type="faq")],
        response_format=Soup,
    )
    state = agent.invoke({"messages": [("user", "Soup?")]})
    assert state["structured_response"] == Soup(name="Pea")
    assert "max_tokens" not in model.options[0]
    assert model.heard[0][-1].content == "Soup?"


def test_a_failing_budget_leaves_the_agent_alone() -> None:
    def broken(words: int) -> str:
        raise RuntimeError("no words")

    model, own = Provider(lines=["It is pea soup."]), budget(wording=broken)
    agent: Any = create_agent(model, middleware=[OutputBudgetMiddleware(own, request_type="faq")])
    state = agent.invoke({"messages": [("user", "Soup?")]})
    assert state["messages"][-1].text == "It is pea soup."
    assert own.tally.failures() == {"plan": 1}
