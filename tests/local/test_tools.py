import json
from collections.abc import Generator
from pathlib import Path

import pytest

from ragthrift.errors import InputError, ModelError
from ragthrift.local import LlamaCppRuntime, LocalModel, Request, load_model
from ragthrift.local.tool_text import (
    call_schema,
    forced_call,
    possible_call,
    read_call,
    write_tools,
)
from ragthrift.local.written_request import offered
from ragthrift.types import Completion, Message, Tool, ToolCall
from ragthrift.usage import Usage

WEATHER = Tool(
    "get_weather",
    "Weather of a city",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
CLOCK = Tool(
    "get_time",
    "Time in a city",
    {
        "type": "object",
        "properties": {"city": {"$ref": "#/$defs/City"}},
        "required": ["city"],
        "additionalProperties": False,
        "$defs": {"City": {"enum": ["Rome", "Paris"]}},
    },
)
ASKED = [Message("user", "What is the weather in Paris?")]
HERMES = Path(__file__).with_name("hermes.jinja").read_text()


def written(*pieces: str, reason: str = "stop") -> Generator[str, None, Completion]:
    yield from pieces
    return Completion("".join(pieces), Usage(1, 1), "tiny", reason)  # type: ignore[arg-type]


def drain(answer: Generator[str, None, Completion]) -> tuple[list[str], Completion]:
    pieces = []
    while True:
        try:
            pieces.append(next(answer))
        except StopIteration as end:
            return pieces, end.value


def test_tools_stand_in_the_system_message_that_is_there() -> None:
    rules, asked = write_tools([Message("system", "Be brief."), *ASKED], [WEATHER], must_call=False)
    assert rules.role == "system"
    assert rules.content.startswith("Be brief.\n\n")
    assert '"name": "get_weather"' in rules.content
    assert "plain words" in rules.content
    assert asked == ASKED[0]
    forced = write_tools(ASKED, [WEATHER], must_call=True)
    assert "plain words" not in forced[0].content


def test_a_call_is_held_back_and_text_is_not() -> None:
    pieces = ["\n", '{"name": "get_weather", ', '"arguments": {"city": "Rome"}}']
    shown, answer = drain(possible_call(written(*pieces), [WEATHER]))
    assert (shown, answer.text, answer.finish_reason) == ([], "", "tool_calls")
    assert [(call.name, json.loads(call.arguments)) for call in answer.tool_calls] == [
        ("get_weather", {"city": "Rome"})
    ]
    shown, answer = drain(possible_call(written(" It ", "is ", "sunny."), [WEATHER]))
    assert (shown, answer.text, answer.finish_reason) == (
        [" It ", "is ", "sunny."],
        " It is sunny.",
        "stop",
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "get_wealth", "arguments": {"city": "Rome"}}',
        '{"name": "get_weather", "arguments": {"city": 7}}',
        '{"name": "get_weather", "arguments": {}}',
        '{"name": "get_weather"}',
        '{"name": ["get_weather"], "arguments": {"city": "Rome"}}',
        '{"city": "Rome"}',
        "[]",
        "{",
    ],
)
def test_what_is_no_call_of_these_tools_stays_text(text: str) -> None:
    assert read_call(text, [WEATHER]) is None
    shown, answer = drain(possible_call(written(text), [WEATHER]))
    assert (shown, answer.text, answer.tool_calls) == ([text], text, ())


def test_a_fenced_call_is_read() -> None:
    call = read_call('```json\n{"name": "get_time", "arguments": {"city": "Rome"}}\n```', [CLOCK])
    assert call is not None
    assert call.arguments == '{"city": "Rome"}'


def test_a_forced_call_that_does_not_fit_is_an_error_unless_it_was_cut() -> None:
    with pytest.raises(ModelError, match="does not fit its tool"):
        drain(forced_call(written("Sunny."), [WEATHER]))
    shown, answer = drain(forced_call(written('{"na', reason="length"), [WEATHER]))
    assert (shown, answer.text, answer.finish_reason) == ([], '{"na', "length")


def test_references_of_parameters_lead_to_the_same_place() -> None:
    schema = call_schema([WEATHER, CLOCK])
    assert schema["$defs"]["tool1"]["properties"]["city"] == {  # type: ignore[index]
        "$ref": "#/$defs/tool1/$defs/City"
    }


def test_the_choice_decides_what_is_offered() -> None:
    def names(choice: str) -> list[str]:
        request = Request(messages=tuple(ASKED), tools=(WEATHER, CLOCK), tool_choice=choice)
        return [tool.name for tool in offered(request)]

    assert names("auto") == names("required") == ["get_weather", "get_time"]
    assert names("none") == []
    assert names("get_time") == ["get_time"]


@pytest.mark.model
def test_a_model_that_knows_no_tools_is_made_to_call(smollm2: LocalModel) -> None:
    answer = smollm2.complete(ASKED, max_tokens=60, tools=[WEATHER, CLOCK], tool_choice="required")
    assert answer.finish_reason == "tool_calls"
    assert [call.name for call in answer.tool_calls] == ["get_weather"]
    assert json.loads(answer.tool_calls[0].arguments)["city"] == "Paris"
    named = smollm2.complete(ASKED, max_tokens=60, tools=[WEATHER, CLOCK], tool_choice="get_time")
    assert json.loads(named.tool_calls[0].arguments) == {"city": "Paris"}
    assert named.tool_calls[0].name == "get_time"
    assert named.tool_calls[0].id != answer.tool_calls[0].id


@pytest.mark.model
def test_tools_are_read_and_may_be_left_alone(smollm2: LocalModel) -> None:
    without = smollm2.complete(ASKED, max_tokens=4, tools=[WEATHER], tool_choice="none")
    offered_one = smollm2.complete(ASKED, max_tokens=4, tools=[WEATHER])
    assert without.usage.input_tokens == smollm2.complete(ASKED, max_tokens=4).usage.input_tokens
    assert offered_one.usage.input_tokens > without.usage.input_tokens + 50
    assert offered_one.text


TALK = [
    *ASKED,
    Message("assistant", "", (ToolCall("1", "get_weather", '{"city": "Paris"}'),)),
    Message("tool", "17 degrees and hail", tool_call_id="1"),
]


def prompt_of(llm: LocalModel, talk: list[Message], *tools: Tool) -> str:
    assert isinstance(llm.runtime, LlamaCppRuntime)
    return llm.runtime._prefix_text(Request(messages=tuple(talk), tools=tools))


@pytest.mark.model
@pytest.mark.parametrize("tools", [(), (WEATHER,)])
def test_calls_and_results_are_part_of_the_prompt(
    smollm2: LocalModel, tools: tuple[Tool, ...]
) -> None:
    prompt = prompt_of(smollm2, TALK, *tools)
    assert '{"name": "get_weather", "arguments": {"city": "Paris"}}<|im_end|>' in prompt
    assert "Result of get_weather: 17 degrees and hail<|im_end|>" in prompt
    assert ("You can call these tools" in prompt) == bool(tools)
    assert smollm2.complete(TALK, max_tokens=2, tools=tools).usage.input_tokens == smollm2.count(
        prompt
    )


@pytest.mark.model
def test_tools_that_cannot_work_are_refused(smollm2: LocalModel) -> None:
    with pytest.raises(InputError, match="parameters of the tool 'odd': not a JSON schema"):
        smollm2.complete(ASKED, max_tokens=4, tools=[Tool("odd", "", {"type": "nonsense"})])


@pytest.mark.model
def test_a_template_that_knows_tools_writes_them(smollm2_path: Path) -> None:
    with load_model(smollm2_path, n_ctx=1024, slots=1, chat_template=HERMES) as model:
        prompt = prompt_of(model, TALK, WEATHER)
        assert "<tools>" in prompt
        assert "<tool_call>\n{" in prompt
        assert "<tool_response>\n17 degrees" in prompt
        forced = model.complete(ASKED, max_tokens=60, tools=[CLOCK], tool_choice="required")
        assert json.loads(forced.tool_calls[0].arguments)["city"] == "Paris"
        with pytest.raises(InputError, match="no logprobs while it may call tools"):
            model.complete(ASKED, max_tokens=4, tools=[WEATHER], logprobs=1)
