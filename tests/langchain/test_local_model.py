"""Tools, schemas, settings and embeddings of a local model in LangChain."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.embeddings import Embeddings
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from pydantic import BaseModel

from langchain_ragthrift import ChatLocal, LocalEmbeddings
from ragthrift import Completion, ContractError, InputError, TokenLogprob, ToolCall, Usage
from tests.langchain.fakes import EchoLLM
from tests.local.scripted import scripted


class Dish(BaseModel):
    """A dish of the canteen."""

    name: str
    euros: float


def menu(day: str) -> str:
    """Dishes of a day."""
    return f"Lentil soup on {day}"


def calls(*arguments: str) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(f"c{n}", "menu", text) for n, text in enumerate(arguments))


def chat(*says: Any) -> tuple[ChatLocal, Any]:
    model, runtime = scripted(*says)
    return ChatLocal(llm=model, model_name="scripted"), runtime


async def test_an_agent_calls_its_tools_at_once_and_answers() -> None:
    for awaited in (False, True):
        model, runtime = chat(calls('{"day": "Monday"}', '{"day": "Friday"}'), "Soup, both days.")
        agent: Any = create_agent(model, [menu])
        asked = {"messages": [HumanMessage("What is there?")]}
        state = await agent.ainvoke(asked) if awaited else agent.invoke(asked)
        said = [message.text for message in state["messages"][2:]]
        assert said == ["Lentil soup on Monday", "Lentil soup on Friday", "Soup, both days."]
        assert [tool.name for tool in runtime.asked[0].tools] == ["menu"]
        assert runtime.asked[1].messages[1].tool_calls == calls(
            '{"day": "Monday"}', '{"day": "Friday"}'
        )


def test_calls_stream_as_chunks_that_add_up() -> None:
    model, _ = chat(calls('{"day": "Monday"}', "not JSON"))
    parts = list(model.bind_tools([menu]).stream("?"))
    whole: Any = parts[0]
    for part in parts[1:]:
        whole += part
    assert isinstance(whole, AIMessageChunk)
    assert [call["args"] for call in whole.tool_calls] == [{"day": "Monday"}]
    assert [call["args"] for call in whole.invalid_tool_calls] == ["not JSON"]
    assert whole.response_metadata["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("choice", "meant"),
    [(None, "auto"), ("any", "required"), (True, "required"), ("menu", "menu"), ("none", "none")],
)
def test_the_choice_of_a_tool(choice: Any, meant: str) -> None:
    model, runtime = chat("Yes.")
    model.bind_tools([menu], tool_choice=choice).invoke("?")
    assert runtime.asked[0].tool_choice == meant


def test_a_choice_of_no_tool_is_refused() -> None:
    model, _ = chat("Yes.")
    with pytest.raises(InputError, match="names no function"):
        model.bind_tools([menu], tool_choice={"type": "function"})
    with pytest.raises(InputError, match="tool_choice='dinner'"):
        model.bind_tools([menu], tool_choice="dinner").invoke("?")


async def test_structured_output_follows_the_schema_and_is_read() -> None:
    model, runtime = chat('{"name": "Soup", "euros": 4.5}')
    structured = model.with_structured_output(Dish)
    assert structured.invoke("?") == await structured.ainvoke("?") == Dish(name="Soup", euros=4.5)
    followed: Any = runtime.asked[0].schema
    assert followed["properties"]["euros"] == {"type": "number"}
    assert followed["required"] == ["name", "euros"]
    schema = {"title": "Dish", "type": "object", "properties": {"name": {"type": "string"}}}
    assert model.with_structured_output(schema).invoke("?") == {"name": "Soup", "euros": 4.5}
    assert runtime.asked[2].schema == schema
    model.with_structured_output(Dish, method="json_mode").invoke("?")
    assert runtime.asked[3].schema == {"type": "object"}


def test_structured_output_by_a_tool() -> None:
    model, runtime = chat((ToolCall("a", "Dish", '{"name": "Soup", "euros": 4}'),))
    structured = model.with_structured_output(Dish, method="function_calling")
    assert structured.invoke("?") == Dish(name="Soup", euros=4)
    assert runtime.asked[0].tool_choice == "required"


def test_an_answer_that_cannot_be_read_is_shown_raw() -> None:
    model, _ = chat("Soup, I think.")
    found = model.with_structured_output(Dish, include_raw=True).invoke("?")
    assert isinstance(found, dict)
    assert isinstance(found["raw"], AIMessage)
    assert found["parsed"] is None
    assert found["parsing_error"] is not None


def test_settings_of_a_call_reach_the_model() -> None:
    model, runtime = chat("Yes.")
    model.invoke("?", temperature=0.5, seed=7, session="ann", grammar='root ::= "Yes."')
    asked = runtime.asked[0]
    assert (asked.sampling.temperature, asked.sampling.seed) == (0.5, 7)
    assert (asked.session, asked.grammar) == ("ann", 'root ::= "Yes."')
    with pytest.raises(InputError, match="not frequency_penalty"):
        model.invoke("?", frequency_penalty=1)


def test_logprobs_are_told_as_openai_tells_them() -> None:
    token = TokenLogprob("Yes", -0.1, (("Yes", -0.1), ("No", -2.0)))
    model, _ = chat(Completion("Yes", Usage(1, 1), "scripted", logprobs=(token,)))
    (told,) = model.invoke("?", logprobs=2).response_metadata["logprobs"]["content"]
    assert (told["token"], told["logprob"]) == ("Yes", -0.1)
    assert told["top_logprobs"][1] == {"token": "No", "logprob": -2.0}


def test_another_model_takes_no_tools_and_no_schema() -> None:
    other = ChatLocal(llm=EchoLLM(), model_name="echo")
    with pytest.raises(NotImplementedError, match="takes no tools"):
        other.bind_tools([menu])
    with pytest.raises(NotImplementedError, match="takes no schema"):
        other.with_structured_output(Dish)


async def test_embeddings() -> None:
    embeddings: Embeddings = LocalEmbeddings(scripted()[0])
    vectors = embeddings.embed_documents(["a bee", "tree"])
    assert [len(vector) for vector in vectors] == [3, 3]
    assert embeddings.embed_documents([]) == []
    assert vectors[1] == embeddings.embed_query("tree") == await embeddings.aembed_query("tree")
    assert all(isinstance(x, float) for x in vectors[0])
    with pytest.raises(ContractError, match=r"embed\(texts\)"):
        LocalEmbeddings(object())  # type: ignore[arg-type]
