"""The middleware inside agents made by `create_agent`."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langchain_core.prompts import PromptTemplate
from langchain_core.tools import BaseTool, create_retriever_tool, tool

from langchain_ragthrift import TrimToolMessages
from tests.langchain.fakes import ScriptedModel, Shelf, keep

ANIMALS = [
    Document("Cats sleep.", id="c", metadata={"source": "a.md"}),
    Document("Dogs bark.\n\nLoudly.", id="d", metadata={"source": "b.md"}),
    Document("Birds sing.", metadata={"source": "c.md"}),
]
QUESTION = {"messages": [{"role": "user", "content": "What barks?"}]}


def call(tool: str, call_id: str, **arguments: Any) -> ToolCall:
    return ToolCall(name=tool, args=arguments, id=call_id)


def search_tool(**options: Any) -> BaseTool:
    options = {"response_format": "content_and_artifact", **options}
    return create_retriever_tool(Shelf(documents=ANIMALS), "search", "Finds animals.", **options)


def model(*calls: ToolCall) -> ScriptedModel:
    return ScriptedModel(lines=[AIMessage("", tool_calls=list(calls)), AIMessage("Dogs.")])


async def answer(agent: Any, how: str) -> list[Any]:
    state = await agent.ainvoke(QUESTION) if how == "async" else agent.invoke(QUESTION)
    messages: list[Any] = state["messages"]
    return messages


both = pytest.mark.parametrize("how", ["sync", "async"])


@both
@pytest.mark.parametrize("template", ["{page_content}", "<{source}>\n{page_content}"])
async def test_the_model_reads_what_the_steps_kept(how: str, template: str) -> None:
    scripted = model(call("search", "c1", query="What barks?"))
    agent = create_agent(
        scripted,
        [search_tool(document_prompt=PromptTemplate.from_template(template))],
        middleware=[TrimToolMessages([keep("Birds sing.", "Dogs bark.\n\nLoudly.")])],
    )
    messages = await answer(agent, how)
    kept = "\n\n".join(
        template.format(page_content=document.page_content, **document.metadata)
        for document in (ANIMALS[2], ANIMALS[1])
    )
    results = [message for message in messages if isinstance(message, ToolMessage)]
    assert [(result.content, result.tool_call_id) for result in results] == [(kept, "c1")]
    assert results[0].artifact == [ANIMALS[2], ANIMALS[1]]
    assert scripted.heard[1][-1].content == kept


@both
async def test_parallel_calls_and_two_ways_of_trimming(how: str) -> None:
    @tool
    def grep(pattern: str) -> str:
        """Find lines."""
        return "Cats sleep.\nBirds sing."

    @tool
    def weather(city: str) -> str:
        """Tell the weather."""
        return "Sun.\n\nRain."

    agent = create_agent(
        model(
            call("search", "c1", query="What barks?"),
            call("grep", "c2", pattern="sing"),
            call("weather", "c3", city="Ulm"),
            call("search", "c4", query="What sings?"),
        ),
        [search_tool(), grep, weather],
        middleware=[
            TrimToolMessages([lambda query, passages: passages[:1]]),
            TrimToolMessages([keep("Birds sing.")], tools=["grep"], document_separator="\n"),
        ],
    )
    messages = await answer(agent, how)
    assert {m.tool_call_id: m.content for m in messages if isinstance(m, ToolMessage)} == {
        "c1": "Cats sleep.",
        "c2": "Birds sing.",
        "c3": "Sun.\n\nRain.",
        "c4": "Cats sleep.",
    }


@both
async def test_content_without_documents_is_left_alone(how: str) -> None:
    agent = create_agent(
        model(call("search", "c1", query="What barks?")),
        [search_tool(response_format="content")],
        middleware=[TrimToolMessages([keep("Birds sing.")])],
    )
    messages = await answer(agent, how)
    whole = "\n\n".join(document.page_content for document in ANIMALS)
    assert [m.content for m in messages if isinstance(m, ToolMessage)] == [whole]
