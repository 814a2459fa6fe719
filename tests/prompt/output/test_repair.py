"""One small call, whose answer is not believed."""

import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from benchmarks.output_schemas import SCHEMAS, Dish
from ragthrift import Completion, Message, Usage
from ragthrift.ledger import Call
from ragthrift.prompt.output import Repair, StructuredLLM, StructuredOutputError
from ragthrift.testing import ScriptedLLM
from tests.prompt.output.test_reading import CORPUS, same

BROKEN = '{"name": "Pea soup, "price": 4.5, "vegan": true}'
RIGHT = '{"name": "Pea soup", "price": 4.5, "vegan": true}'


class Soup(BaseModel):
    name: str
    price: float


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: f"{case['kind']}: {case['answer'][:40]}")
def test_with_a_call_none_is_read_wrongly_either(case: dict[str, Any]) -> None:
    llm = ScriptedLLM(case["repair"])
    repair = Repair(SCHEMAS[case["schema"]].model_json_schema(), llm, on_error="pass")
    answer = repair.read(case["answer"], case["finish"])
    assert answer.how == "failed" or same(answer.value, case["truth"])


def tampered(value: Any) -> Iterator[Any]:
    """The value with something changed, invented or left out, in each place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from ({**value, key: other} for other in tampered(inner))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield [*value[:at], *value[at + 1 :]]
            yield from ([*value[:at], other, *value[at + 1 :]] for other in tampered(inner))
        yield [*value, "invented"]
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, str):
        yield f"{value} indeed"
        yield "invented"
        if " " in value:
            yield value.rpartition(" ")[0]
    elif value is not None:
        yield value + 1


def test_a_call_that_changes_invents_or_drops_something_is_refused() -> None:
    believed, tried = [], 0
    for case in CORPUS:
        for other in tampered(case["truth"]) if case["truth"] else ():
            llm = ScriptedLLM(json.dumps(other))
            schema = SCHEMAS[case["schema"]].model_json_schema()
            answer = Repair(schema, llm, on_error="pass").read(case["answer"], case["finish"])
            tried += bool(llm.calls)
            if answer.how == "called":
                believed.append((case["answer"], other))
    assert tried > 100
    assert believed == []


def test_the_call_sees_the_schema_the_answer_and_the_errors_alone() -> None:
    llm = ScriptedLLM(RIGHT)
    answer = Repair(Dish, llm).read(BROKEN)
    assert answer.value == Dish(name="Pea soup", price=4.5, vegan=True)
    system, user = llm.calls[0]
    assert Repair(Dish).schema.text in system.content
    assert BROKEN in user.content
    assert "no closing quote" in user.content
    assert answer.usage.input_tokens < 250


def test_what_can_be_mended_costs_no_call() -> None:
    llm = ScriptedLLM([])
    repair = Repair(Dish, llm)
    assert repair.read("{'name': 'Pea', 'price': '4.5',}").how == "repaired"
    assert llm.calls == []
    assert repair.counts() == {"repaired": 1}


def test_there_is_no_call_for_what_was_cut_off() -> None:
    llm = ScriptedLLM([])
    repair = Repair(Dish, llm)
    with pytest.raises(StructuredOutputError, match="raise max_tokens"):
        repair.read('{"name": "Pea soup", "pri', "length")
    with pytest.raises(StructuredOutputError, match="stands nowhere"):
        repair.read('{"name": "Pea soup", "pri', "")
    assert repair.counts() == {"failed": 2}


def test_repairs_are_recorded_as_such() -> None:
    calls: list[Call] = []
    llm = ScriptedLLM([Completion(RIGHT, Usage(90, 30), "small")])
    Repair(Dish, llm, record=calls.append, request_type="menu").read(BROKEN)
    (call,) = calls
    assert (call.purpose, call.request_type, call.model) == ("repair", "menu", "small")
    assert call.usage == Usage(90, 30)


def test_a_failed_call_is_raised_or_passed_over() -> None:
    down = ScriptedLLM([TimeoutError("too slow")] * 2)
    with pytest.raises(TimeoutError):
        Repair(Dish, down).read(BROKEN)
    answer = Repair(Dish, down, on_error="pass").read(BROKEN)
    assert (answer.value, answer.how) == (None, "failed")
    assert "too slow" in answer.problems[-1]


def test_the_error_holds_the_answer_and_travels_between_processes() -> None:
    with pytest.raises(StructuredOutputError, match="required property") as caught:
        Repair(Dish).read('{"name": "Pea"}')
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.answer) == (str(caught.value), '{"name": "Pea"}')


def test_a_model_is_told_the_schema_where_its_prompt_does_not_change() -> None:
    llm = ScriptedLLM(RIGHT)
    asked = StructuredLLM(llm, Repair(Dish))
    talk = [Message("system", "Rules."), Message("user", "Soup?")]
    asked.ask(talk)
    asked.ask(talk[1:])
    with_rules, without = llm.calls
    assert with_rules[0].content.startswith("Rules.\n\nAnswer with JSON alone")
    assert with_rules[1] == talk[1]
    assert [turn.role for turn in without] == ["system", "user"]


def test_a_cut_answer_is_asked_for_once_more_and_both_are_paid() -> None:
    cut = Completion('{"name": "Pea', Usage(900, 10), "m", "length")
    llm = ScriptedLLM([cut, Completion(RIGHT, Usage(900, 30), "m")])
    asked = StructuredLLM(llm, Repair(Dish))
    answer = asked.ask([Message("user", "Soup?")], max_tokens=10)
    assert answer.how == "as it is"
    assert answer.usage == Usage(1800, 40)
    assert asked.repair.counts() == {"as it is": 1, "asked_again": 1}
