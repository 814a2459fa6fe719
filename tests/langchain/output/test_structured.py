"""Objects out of LangChain's models."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from pydantic import BaseModel

from langchain_ragthrift import LangChainLLM, audit, structured
from ragthrift.ledger import Call
from ragthrift.prompt.output import Repair, StructuredOutputError
from tests.langchain.ledger.billing import Kept
from tests.langchain.output.models import Native, Provider, invoked

DOCUMENTS = "word " * 2000
PROMPT = ChatPromptTemplate.from_messages([("system", "Rules."), ("user", "{docs} Soup?")])
MISSING_QUOTE = '{"name": "Pea, "price": 4.5}'


class Soup(BaseModel):
    name: str
    price: float


PEA = Soup(name="Pea", price=4.5)


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_what_can_be_mended_takes_one_call(how: str) -> None:
    model = Provider(lines=["Sure:\n```json\n{'name': 'Pea', 'price': '4.5',}\n```"])
    assert await invoked(PROMPT | structured(model, Soup), {"docs": DOCUMENTS}, how) == PEA
    assert len(model.heard) == 1
    assert str(model.heard[0][0].content).startswith("Rules.\n\nAnswer with JSON alone")


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_a_repair_call_does_not_see_the_documents(how: str) -> None:
    model = Provider(lines=[MISSING_QUOTE])
    small = Provider(lines=['{"name": "Pea", "price": 4.5}'])
    calls: list[Call] = []
    repair = Repair(Soup, LangChainLLM(small), record=calls.append)
    chain = PROMPT | structured(model, repair)
    assert await invoked(chain, {"docs": DOCUMENTS}, how) == PEA
    assert "word word" not in str(small.heard[0])
    assert len(model.heard) == 1
    assert [call.purpose for call in calls] == ["repair"]
    assert repair.counts() == {"called": 1}


def test_a_repair_that_invents_is_refused() -> None:
    model = Provider(lines=['{"name": "Pea"}', '{"name": "Pea", "price": 3.0}'])
    with pytest.raises(StructuredOutputError, match="does not stand in the answer"):
        structured(model, Soup).invoke("Soup?")


def test_a_model_that_says_so_gets_the_schema_as_its_own_strict_one() -> None:
    model = Native(lines=['{"name": "Pea", "price": 4.5}'], profile={"structured_output": True})
    assert structured(model, Soup).invoke("Soup?") == PEA
    assert model.asked == [{"schema": Soup, "method": "json_schema", "strict": True}]
    assert [str(message.content) for message in model.heard[0]] == ["Soup?"]


def test_broken_native_answers_are_mended_too() -> None:
    model = Native(lines=["{'name': 'Pea', 'price': 4.5,}"])
    assert structured(model, Soup, native=True).invoke("Soup?") == PEA


def test_a_model_without_a_native_way_is_asked_by_words(caplog: pytest.LogCaptureFixture) -> None:
    class Odd(Provider):
        def with_structured_output(self, schema: Any, **kwargs: Any) -> Any:
            raise NotImplementedError("no such thing")

    model = Odd(lines=['{"name": "Pea", "price": 4.5}'])
    assert structured(model, Soup, native=True).invoke("Soup?") == PEA
    assert "Answer with JSON alone" in str(model.heard[0][0].content)
    assert "asked by words" in caplog.text


def test_an_answer_that_is_a_tools_call_is_read() -> None:
    args = {"name": "Pea", "price": "4.5"}
    call = AIMessage("", tool_calls=[{"name": "Soup", "args": args, "id": "1"}])
    assert structured(Provider(lines=[call]), Soup).invoke("Soup?") == PEA
    broken = AIMessage(
        "", invalid_tool_calls=[{"name": "Soup", "args": "{'name': 'Pea', 'price': 4.5}", "id": "1",
                                 "error": "not JSON"}]
    )  # fmt: skip
    assert structured(Provider(lines=[broken]), Soup).invoke("Soup?") == PEA


def test_a_json_schema_gives_dicts() -> None:
    schema = {"type": "object", "properties": {"day": {"type": "integer"}}, "required": ["day"]}
    assert structured(Provider(lines=["{'day': '25'}"]), schema).invoke("Payday?") == {"day": 25}


def test_include_raw_and_pass_give_no_error_but_tell_it() -> None:
    model = Provider(lines=["No soup today."])
    told = structured(model, Repair(Soup), include_raw=True).invoke("Soup?")
    assert told["raw"].text == "No soup today."
    assert told["parsed"] is None
    assert isinstance(told["parsing_error"], StructuredOutputError)
    passing = Repair(Soup, on_error="pass")
    assert structured(model, passing).invoke("Soup?") is None
    told = structured(model, passing, include_raw=True).invoke("Soup?")
    assert "holds no JSON" in str(told["parsing_error"])


def test_an_answer_that_its_limit_cut_is_not_closed() -> None:
    model = Provider(lines=['{"name": "Pea", "price": 4.5 }'])
    limited = structured(model, Soup, native=False)
    cut = AIMessage('{"name": "Pea", "price": 4', response_metadata={"stop_reason": "max_tokens"})
    with pytest.raises(StructuredOutputError, match="raise max_tokens"):
        structured(Provider(lines=[cut]), Soup).invoke("Soup?")
    assert limited.invoke("Soup?") == PEA


def test_a_chain_can_fall_back() -> None:
    model = Provider(lines=["No soup today."])
    chain = structured(model, Repair(Soup)).with_fallbacks([RunnableLambda(lambda _: PEA)])
    assert chain.invoke("Soup?") == PEA


def test_a_ledger_books_the_call_as_a_repair() -> None:
    ledger = Kept()
    model = Provider(lines=[MISSING_QUOTE, '{"name": "Pea", "price": 4.5}'])
    with audit(ledger):
        assert structured(model, Soup).invoke("Soup?") == PEA
    assert sorted(call.purpose for call in ledger.calls) == ["answer", "repair"]
