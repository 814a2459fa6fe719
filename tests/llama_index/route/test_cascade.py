"""Answers that are looked at before they leave, and LLMs that fail."""

import random
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    CacheControl,
    CachePoint,
    ChatMessage,
    TextBlock,
)
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler

from llama_index_ragthrift.route.record import MARK
from ragthrift import Price, Tier
from ragthrift.route import Recovery
from tests.llama_index.route.fakes import (
    ASKED,
    EVERY_FORM,
    METHOD,
    REFUSAL,
    Setting,
    ask,
    collected,
    text,
)
from tests.llama_index.route.llms import ANSWER, Scripted, StatusError

STREAMED = pytest.mark.parametrize("form", ["stream_", "astream_"])
LARGE = "The large one says nine."


async def stream(setting: Setting, form: str) -> list[Any]:
    given = getattr(setting.llm, form + "chat")([ChatMessage(ASKED)])
    return await collected(await given if form.startswith("a") else given)


def purposes(response: Any) -> list[tuple[str, str]]:
    attempts = response.additional_kwargs[MARK]["attempts"]
    return [(one["tier"], one["purpose"]) for one in attempts]


@pytest.mark.parametrize("form", ["", "a"])
@METHOD
async def test_a_refusal_goes_up(form: str, method: str) -> None:
    counter = TokenCountingHandler(tokenizer=str.split)
    manager = CallbackManager([counter])
    setting = Setting(
        Scripted(REFUSAL, callback_manager=manager),
        Scripted(LARGE, name="large", callback_manager=manager),
    )
    response = await ask(setting.llm, form, method)
    assert text(response) == LARGE
    assert purposes(response) == [("cheap", "answer"), ("strong", "escalation")]
    record = response.additional_kwargs[MARK]
    assert record["attempts"][0]["findings"] == ["declined"]
    assert record["dollars"] == pytest.approx(sum(one["dollars"] for one in record["attempts"]))
    assert counter.prompt_llm_token_count == setting.runs[0].usage.input_tokens == 80


@STREAMED
async def test_a_stream_is_not_looked_at_by_default(form: str) -> None:
    setting = Setting(Scripted(REFUSAL))
    responses = await stream(setting, form)
    assert "".join(one.delta for one in responses) == REFUSAL
    assert purposes(responses[-1]) == [("cheap", "answer")]


@STREAMED
async def test_the_first_sentence_may_be_held_back(form: str) -> None:
    setting = Setting(Scripted(f"{REFUSAL} Ask me something else."), hold="sentence")
    responses = await stream(setting, form)
    assert "".join(one.delta for one in responses) == LARGE
    assert {one.additional_kwargs[MARK]["tier"] for one in responses} == {"strong"}
    assert purposes(responses[-1]) == [("cheap", "answer"), ("strong", "escalation")]


@STREAMED
async def test_a_held_answer_that_is_one_comes_as_it_is(form: str) -> None:
    setting = Setting(hold="sentence")
    responses = await stream(setting, form)
    assert "".join(one.delta for one in responses) == ANSWER
    assert len(responses) == len(ANSWER.split()) + 1
    assert setting.strong.asked == []


@STREAMED
async def test_a_whole_stream_may_be_verified(form: str) -> None:
    late = Scripted(["Well, ", "it is ", "[7] nine."], usage=None)
    setting = Setting(late, verify=True, router={"checks": [_no_mark]})
    responses = await stream(setting, form)
    assert "".join(one.delta for one in responses) == LARGE
    assert len(responses) == len(LARGE.split()) + 1
    assert setting.cheap.forms == [form + "chat"]
    assert setting.strong.forms == [form + "chat"]
    assert responses[-1].additional_kwargs[MARK]["attempts"][0]["estimated"]


def _no_mark(answered: Any) -> Any:
    from ragthrift.route import Finding

    if "[7]" not in answered.attempt.text:
        return None
    return Finding("citations", "[7] is no passage", "escalate", fixable=0.9)


@EVERY_FORM
@METHOD
@pytest.mark.parametrize("error", [StatusError(429), StatusError(503), TimeoutError("slow")])
async def test_another_tier_stands_in_for_one_that_fails(
    form: str, method: str, error: Exception
) -> None:
    setting = Setting(Scripted(error))
    response = await ask(setting.llm, form, method)
    assert text(response) == LARGE
    assert purposes(response) == [("cheap", "answer"), ("strong", "fallback")]
    assert response.additional_kwargs[MARK]["attempts"][0]["error"].startswith(type(error).__name__)


async def test_a_tier_has_fallbacks_of_its_own() -> None:
    again = Tier("cheap-elsewhere", "small", Price(0.1, 0.4))
    elsewhere = Scripted("From elsewhere.")
    setting = Setting(
        Scripted(StatusError(500)),
        router={"recovery": Recovery(fallbacks={"cheap": [again]})},
        others={"cheap-elsewhere": elsewhere},
    )
    response = await ask(setting.llm, "a")
    assert text(response) == "From elsewhere."
    assert purposes(response) == [("cheap", "answer"), ("cheap-elsewhere", "fallback")]


@EVERY_FORM
async def test_when_all_fail_the_last_error_is_raised(form: str) -> None:
    setting = Setting(Scripted(StatusError(429)), Scripted(StatusError(503)))
    with pytest.raises(StatusError, match="503"):
        await ask(setting.llm, form)
    [run] = setting.runs
    assert [one.tier for one in run.attempts] == ["cheap", "strong"]


@EVERY_FORM
async def test_a_bug_is_not_passed_on(form: str) -> None:
    setting = Setting(Scripted(KeyError("wrong")))
    with pytest.raises(KeyError, match="wrong"):
        await ask(setting.llm, form)
    assert setting.strong.asked == []


@STREAMED
async def test_a_cut_stream_is_replaced_before_anything_has_left(form: str) -> None:
    cut = Scripted([ConnectionError("cut")])
    responses = await stream(Setting(cut), form)
    assert "".join(one.delta for one in responses) == LARGE


@STREAMED
async def test_a_stream_that_is_cut_later_raises_its_own_error(form: str) -> None:
    setting = Setting(Scripted(["It opens", ConnectionError("cut")]))
    with pytest.raises(ConnectionError, match="cut") as raised:
        await stream(setting, form)
    assert "It opens" in raised.value.__notes__[0]
    [run] = setting.runs
    assert run.attempts[0].estimated


@STREAMED
async def test_a_verified_stream_that_is_cut_is_replaced(form: str) -> None:
    setting = Setting(Scripted(["It opens", ConnectionError("cut")]), verify=True)
    responses = await stream(setting, form)
    assert "".join(one.delta for one in responses) == LARGE


def test_marks_for_a_prompt_cache_stay_with_their_provider() -> None:
    mark = CachePoint(cache_control=CacheControl(type="ephemeral"))
    asked = ChatMessage(
        blocks=[TextBlock(text=ASKED), mark], additional_kwargs={"cache_control": {"type": "x"}}
    )
    key = {"prompt_cache_key": "a"}
    alike = Setting(Scripted(StatusError(429)))
    alike.llm.chat([asked], **key)
    assert alike.strong.asked == [("chat", [asked], key)]

    mixed = Setting(AnthropicLike(StatusError(429)), OpenAILike(LARGE))
    mixed.llm.chat([asked], temperature=0, **key)
    assert mixed.cheap.asked == [("chat", [asked], {"temperature": 0})]
    [(_, [sent], options)] = mixed.strong.asked
    assert sent.blocks == [TextBlock(text=ASKED)]
    assert sent.additional_kwargs == {}
    assert options == {"temperature": 0} | key
    assert asked.blocks[-1] is mark


class AnthropicLike(Scripted):
    def __init__(self, *says: Any, **fields: Any) -> None:
        super().__init__(*says, **fields)

    @classmethod
    def class_name(cls) -> str:
        return "Anthropic_LLM"


class OpenAILike(Scripted):
    def __init__(self, *says: Any, **fields: Any) -> None:
        super().__init__(*says, **fields)

    @classmethod
    def class_name(cls) -> str:
        return "openai_llm"


async def test_a_share_of_calls_is_compared_behind_the_callers_back(tmp_path: Any) -> None:
    for form in ("", "a", "stream_", "astream_"):
        setting = Setting(router={"log": tmp_path / f"log{form}.db", "shadow_share": 1.0})
        with setting.router:
            response = await ask(setting.llm, form)
            setting.router.settle()
            [outcome] = setting.router.log.outcomes()  # type: ignore[union-attr]
        assert text(response) == ANSWER
        assert set(outcome.qualities) == {"cheap", "strong"}
        assert setting.strong.forms == ["stream_chat" if "stream" in form else "chat"]


async def test_a_thousand_calls_with_faults_leave_books_that_balance() -> None:
    """A fifth of the attempts fail: each call is answered or fails with its own error."""
    chance = random.Random(0)

    def sometimes(messages: Any) -> Any:
        kinds: list[Any] = [StatusError(429), StatusError(500), TimeoutError("slow"), "cut"]
        if chance.random() >= 0.2:
            return ANSWER
        fault = chance.choice(kinds)
        return ["It", ConnectionError("cut")] if fault == "cut" else fault

    setting = Setting(
        Faulty(sometimes),
        Faulty(sometimes, name="large"),
        router={"recovery": Recovery(open_after=1000)},
    )
    answered = failed = 0
    for at in range(250):
        for form in ("", "a", "stream_", "astream_"):
            try:
                response = await ask(setting.llm, form)
            except (StatusError, TimeoutError, ConnectionError):
                failed += 1
            else:
                answered += 1
                assert text(response) == ANSWER, at
    assert answered + failed == len(setting.runs) == 1000
    assert answered > 850
    made = [one for run in setting.runs for one in run.attempts]
    asked = setting.cheap.asked + setting.strong.asked
    assert len(made) == len(asked)
    ended = [one for one in made if one.error is None]
    assert len(ended) == answered
    assert all(one.usage and one.usage.input_tokens == 40 for one in ended)


class Faulty(Scripted):
    """A cut line is an error where nothing is streamed."""

    def __init__(self, *says: Any, **fields: Any) -> None:
        super().__init__(*says, **fields)

    def _whole(self, said: Any) -> Any:
        if isinstance(said, list):
            raise said[-1]
        return super()._whole(said)
