"""Functions, settings and embeddings of a local model in LlamaIndex."""

import asyncio
from typing import Any

import pytest
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from llama_index_ragthrift import LocalEmbedding, LocalLLM
from ragthrift import InputError, ToolCall
from ragthrift.local.model import LocalModel
from tests.local.scripted import ScriptedRuntime, scripted


class Dish(BaseModel):
    """A dish of the canteen."""

    name: str
    euros: float


def menu(day: str) -> str:
    """Dishes of a day."""
    return f"Lentil soup on {day}"


MENU = FunctionTool.from_defaults(menu)
TWICE = (ToolCall("a", "menu", '{"day": "Monday"}'), ToolCall("b", "menu", '{"day": "Friday"}'))


def llm(*says: Any) -> tuple[LocalLLM, ScriptedRuntime]:
    model, runtime = scripted(*says)
    return LocalLLM(model, model_name="scripted"), runtime


def test_an_agent_calls_its_functions_and_answers() -> None:
    model, runtime = llm(TWICE, "Soup, both days.")
    agent = FunctionAgent(tools=[MENU], llm=model, streaming=False)

    async def run() -> str:
        return str(await agent.run("What is there?"))

    assert asyncio.run(run()) == "Soup, both days."
    assert [tool.name for tool in runtime.asked[0].tools] == ["menu"]
    results = [m.content for m in runtime.asked[1].messages if m.role == "tool"]
    assert results == ["Lentil soup on Monday", "Lentil soup on Friday"]


async def test_chat_with_tools_in_every_form() -> None:
    model, runtime = llm(TWICE)
    both = model.chat_with_tools([MENU], "What is there?", allow_parallel_tool_calls=True)
    found = model.get_tool_calls_from_response(both)
    assert [call.tool_kwargs for call in found] == [{"day": "Monday"}, {"day": "Friday"}]
    one = await model.achat_with_tools([MENU], "What is there?", tool_required=True)
    assert [call.tool_id for call in model.get_tool_calls_from_response(one)] == ["a"]
    assert [request.tool_choice for request in runtime.asked] == ["auto", "required"]
    *_, last = model.stream_chat_with_tools([MENU], "What is there?")
    assert len(model.get_tool_calls_from_response(last)) == 2


def test_a_function_is_run() -> None:
    model, _ = llm((ToolCall("a", "menu", '{"day": "Monday"}'),))
    answer = model.predict_and_call([MENU], "What is there on Monday?")
    assert str(answer) == "Lentil soup on Monday"


def test_structured_prediction() -> None:
    model, _ = llm((ToolCall("a", "Dish", '{"name": "Soup", "euros": 4}'),))
    found = model.as_structured_llm(Dish).chat([ChatMessage("Which dish?")]).raw
    assert found == Dish(name="Soup", euros=4)


def test_an_answer_without_a_call() -> None:
    model, _ = llm("No idea.")
    answer = model.chat_with_tools([MENU], "What is there?")
    assert model.get_tool_calls_from_response(answer, error_on_no_tool_call=False) == []
    with pytest.raises(ValueError, match="without a tool call"):
        model.get_tool_calls_from_response(answer)


def test_settings_of_a_call_reach_the_model() -> None:
    model, runtime = llm("Yes.")
    model.chat([ChatMessage("?")], temperature=0.5, seed=7, session="ann")
    asked = runtime.asked[0]
    assert (asked.sampling.temperature, asked.sampling.seed, asked.session) == (0.5, 7, "ann")
    with pytest.raises(InputError, match="not \\['penalty'\\]"):
        model.complete("?", penalty=1)


def test_it_says_whether_it_calls_functions() -> None:
    assert llm()[0].metadata.is_function_calling_model
    plain = LocalModel(ScriptedRuntime(abilities=frozenset(["chat"])))
    assert not LocalLLM(plain).metadata.is_function_calling_model


async def test_embeddings_in_an_index() -> None:
    embedding = LocalEmbedding(scripted()[0])
    documents = [Document(text="aaaa"), Document(text="eeee"), Document(text="iiii")]
    index = VectorStoreIndex.from_documents(documents, embed_model=embedding)
    (best,) = index.as_retriever(similarity_top_k=1).retrieve("eeeeee")
    assert best.node.get_content() == "eeee"
    assert await embedding.aget_query_embedding("ee") == embedding.get_query_embedding("ee")
    assert await embedding.aget_text_embedding("ee") == embedding.get_text_embedding("ee")
    with pytest.raises(InputError, match="embed"):
        LocalEmbedding(object())  # type: ignore[arg-type]
