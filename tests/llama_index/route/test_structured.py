"""Objects of a class through the router: each LLM makes them in its own way."""

from typing import Any

import pytest
from llama_index.core import PromptTemplate
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.program import FunctionCallingProgram

from tests.llama_index.route.fakes import (
    EVERY_FORM,
    WHOLE,
    Hours,
    Setting,
    collected,
    prefers,
)
from tests.llama_index.route.llms import OtherProvider, Scripted, StatusError, calling

PROMPT = PromptTemplate("{context_str} {query_str}")
VARIABLES: dict[str, Any] = {
    "context_str": 'The "{canteen}" opens at 9.',
    "query_str": "When does it open?",
}
NINE = calling("Hours", opens=9)
WRONG = calling("Hours", opens="late")


async def ask(setting: Setting, form: str, **options: Any) -> Any:
    said = getattr(setting.llm, f"{form}structured_predict")(Hours, PROMPT, **VARIABLES, **options)
    said = await said if form.startswith("a") else said
    return (await collected(said))[-1] if "stream" in form else said


@EVERY_FORM
async def test_an_object_is_made_by_the_chosen_llm(form: str) -> None:
    counter = TokenCountingHandler(tokenizer=str.split)
    setting = Setting(Scripted(NINE, callback_manager=CallbackManager([counter])))
    assert await ask(setting, form) == Hours(opens=9)
    [run] = setting.runs
    assert run.usage.input_tokens == counter.prompt_llm_token_count == 40
    assert run.dollars == pytest.approx((40 * 0.1 + 7 * 0.4) / 1e6)
    assert run.answer
    assert run.answer.text == '{"opens":9}'
    assert setting.cheap.forms == [f"{form}chat"]
    [question] = setting.model.asks
    assert question.question == "When does it open?"
    assert [passage.text for passage in question.passages] == [VARIABLES["context_str"]]


def test_a_provider_does_its_own_schema_work() -> None:
    setting = Setting(strong=OtherProvider('{"opens": 9}'), model=prefers("strong"))
    made = setting.llm.structured_predict(Hours, PROMPT, {"temperature": 0}, **VARIABLES)
    assert made == Hours(opens=9)
    assert setting.strong.asked[0][2] == {"response_format": "Hours", "temperature": 0}


@EVERY_FORM
async def test_a_pinned_call_goes_where_it_says(form: str) -> None:
    setting = Setting(strong=Scripted(NINE, name="large"), model=prefers("cheap"))
    assert await ask(setting, form, llm_kwargs={"tier": "strong", "top_p": 1}) == Hours(opens=9)
    assert setting.strong.asked[0][2]["top_p"] == 1
    assert "tier" not in setting.strong.asked[0][2]


@WHOLE
@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (WRONG, "Input should be a valid integer"),
        ("At nine.", "no tool was called"),
        (calling("Hours"), "Field required"),
    ],
)
async def test_a_misfit_is_mended_by_the_same_llm(form: str, wrong: Any, why: str) -> None:
    setting = Setting(Scripted(wrong, NINE))
    assert await ask(setting, form) == Hours(opens=9)
    [run] = setting.runs
    assert [one.purpose for one in run.attempts] == ["answer", "repair"]
    assert run.usage.input_tokens == 80
    asked, said, complaint = setting.cheap.asked[1][1]
    assert asked.content == f"{VARIABLES['context_str']} When does it open?"
    assert said.role == MessageRole.ASSISTANT
    assert why not in str(said.content)
    assert complaint.role == MessageRole.USER
    assert str(complaint.content).endswith("Answer again, whole and corrected.")
    assert why in str(complaint.content)
    assert "not JSON" not in str(complaint.content)


@WHOLE
async def test_what_cannot_be_mended_goes_up(form: str) -> None:
    setting = Setting(Scripted(WRONG), Scripted(NINE, name="large"))
    assert await ask(setting, form) == Hours(opens=9)
    [run] = setting.runs
    assert [(one.tier, one.purpose) for one in run.attempts] == [
        ("cheap", "answer"),
        ("cheap", "repair"),
        ("strong", "escalation"),
    ]


@EVERY_FORM
async def test_when_none_can_the_error_is_the_llms_own(form: str) -> None:
    setting = Setting(Scripted(WRONG), Scripted(WRONG, name="large"))
    if "stream" in form:
        setting = Setting(Scripted("{"), Scripted("{"), verify=True)
    with pytest.raises(ValueError, match=r"could not be parsed|is no whole Hours"):
        await ask(setting, form)
    [run] = setting.runs
    assert "schema" in [finding.check for finding in run.findings]


@EVERY_FORM
async def test_another_tier_stands_in_for_one_that_fails(form: str) -> None:
    setting = Setting(Scripted(StatusError(429)), Scripted(NINE, name="large"))
    assert await ask(setting, form) == Hours(opens=9)


@EVERY_FORM
async def test_a_mistake_of_the_caller_is_raised_at_once(form: str) -> None:
    setting = Setting(Scripted(StatusError(400)), Scripted(NINE, name="large"))
    with pytest.raises(StatusError, match="400"):
        await ask(setting, form)
    assert setting.strong.asked == []


@pytest.mark.parametrize("form", ["stream_", "astream_"])
async def test_a_verified_stream_is_mended(form: str) -> None:
    setting = Setting(Scripted("no idea", NINE), verify=True)
    assert await ask(setting, form) == Hours(opens=9)
    assert [one.purpose for one in setting.runs[0].attempts] == ["answer", "repair"]


class Silent(Scripted):
    """Makes objects without a word to LlamaIndex, as llama-index-llms-anthropic does."""

    def __init__(self, *says: Any, **fields: Any) -> None:
        super().__init__(*says, **fields)

    def structured_predict(self, output_cls: Any, prompt: Any, *args: Any, **given: Any) -> Any:
        turns = prompt.format_messages(**{k: v for k, v in given.items() if k != "llm_kwargs"})
        return output_cls.model_validate_json(self._said("parse", turns, {}))


def test_an_llm_that_sends_no_events_is_mended_too() -> None:
    setting = Setting(Silent('{"opens": "late"}', '{"opens": 9}'))
    assert setting.llm.structured_predict(Hours, PROMPT, **VARIABLES) == Hours(opens=9)
    [run] = setting.runs
    assert [(one.purpose, one.estimated) for one in run.attempts] == [
        ("answer", True),
        ("repair", True),
    ]
    asked, complaint = setting.cheap.asked[1][1]
    assert asked.role == complaint.role == MessageRole.USER
    assert "Input should be a valid integer" in str(complaint.content)


async def test_llms_without_tools_give_objects_too() -> None:
    setting = Setting(Scripted('Sure: {"opens": 9}', tools=False))
    assert setting.llm.structured_predict(Hours, PROMPT, **VARIABLES) == Hours(opens=9)
    assert await ask(setting, "a") == Hours(opens=9)
    setting = Setting(Scripted("late", '{"opens": 9}', tools=False, chats=False))
    assert setting.llm.structured_predict(Hours, PROMPT, **VARIABLES) == Hours(opens=9)
    assert [one.purpose for one in setting.runs[0].attempts] == ["answer", "repair"]


def test_a_structured_llm_may_stand_on_it() -> None:
    setting = Setting(Scripted(NINE))
    response = setting.llm.as_structured_llm(Hours).chat([ChatMessage("When does it open?")])
    assert response.raw == Hours(opens=9)


def test_a_program_may_stand_on_it() -> None:
    setting = Setting(Scripted(WRONG, NINE))
    program = FunctionCallingProgram.from_defaults(Hours, prompt=PROMPT, llm=setting.llm)
    assert program(**VARIABLES) == Hours(opens=9)
    streamed = Setting(strong=OtherProvider(NINE), model=prefers("strong")).llm
    program = FunctionCallingProgram.from_defaults(Hours, prompt=PROMPT, llm=streamed)
    assert list(program.stream_call(**VARIABLES))[-1] == Hours(opens=9)


def test_a_system_prompt_is_that_of_the_router() -> None:
    setting = Setting(Scripted(NINE), system_prompt="Be brief.")
    assert setting.llm.structured_predict(Hours, PROMPT, **VARIABLES) == Hours(opens=9)
    assert setting.cheap.asked[0][1][0].content == "Be brief."
    assert setting.cheap.asked[0][1][0].role == MessageRole.SYSTEM
