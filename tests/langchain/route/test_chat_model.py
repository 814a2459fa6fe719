"""A router where LangChain takes a chat model."""

import asyncio
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler, UsageMetadataCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import RunnableBinding

from langchain_ragthrift import RouterChatModel, tiers_of
from ragthrift import InputError, Tier, Usage
from ragthrift.route import Recovery, Routed, Router
from tests.langchain.route.asking import DECLINED, ask, both, chunks, joined, opening, routing
from tests.langchain.route.fakes import EASY, HARD, PRICES, LimitError, Speaker, pair, routed_by


@both
async def test_an_easy_question_goes_to_the_cheap_tier(how: str) -> None:
    models = pair()
    answer = await ask(routed_by(models), how)
    assert (answer.text, models["strong"].calls) == ("Nine, cheaply.", 0)
    told = routing(answer)
    assert (told["tier"], told["model"], told["action"]) == ("cheap", "small", "answer")
    assert told["reason"]
    (attempt,) = told["attempts"]
    assert (attempt["purpose"], attempt["input_tokens"]) == ("answer", 10)
    assert told["dollars"] == pytest.approx((10 * 0.1 + 2 * 0.4) / 1e6)
    assert answer.response_metadata["model_name"] == "small"


@both
async def test_a_cascade_goes_up_and_every_attempt_counts_once(how: str) -> None:
    ledger: list[Routed] = []
    models, spent = pair(cheap=DECLINED), UsageMetadataCallbackHandler()
    chat = routed_by(models, on_run=ledger.append)
    answer = await ask(chat, how, callbacks=[spent])
    assert answer.text == "Nine, strongly."
    assert [a["purpose"] for a in routing(answer)["attempts"]] == ["answer", "escalation"]
    assert {name: told["total_tokens"] for name, told in spent.usage_metadata.items()} == {
        "small": 12,
        "large": 12,
    }
    (routed,) = ledger
    assert routed.usage == Usage(20, 4)
    assert routed.dollars == routing(answer)["dollars"]
    assert answer.usage_metadata["total_tokens"] == 12


@both
async def test_a_tier_that_fails_is_replaced_and_billed(how: str) -> None:
    ledger: list[Routed] = []
    models = pair(cheap=[LimitError("slow down"), "Later."])
    chat = routed_by(models, on_run=ledger.append)
    answer = await ask(chat, how)
    assert (answer.text, routing(answer)["tier"]) == ("Nine, strongly.", "strong")
    assert [a["error"] for a in routing(answer)["attempts"]] == ["LimitError: slow down", None]
    assert ledger[0].usage == Usage(10, 2)


@both
async def test_an_error_that_meets_every_tier_is_raised_as_it_is(how: str) -> None:
    models = pair(cheap=[ValueError("no such field")])
    with pytest.raises(ValueError, match="no such field"):
        await ask(routed_by(models), how)
    assert models["strong"].calls == 0


async def test_fallbacks_are_asked_by_their_own_names() -> None:
    models = pair(cheap=[LimitError("slow down")])
    models["spare"] = Speaker(name_of_model="small-elsewhere", says="Nine, from elsewhere.")
    tiers = tiers_of({name: models[name] for name in ("cheap", "strong")}, PRICES)
    recovery = Recovery(fallbacks={"cheap": [Tier("spare", "small-elsewhere", PRICES["cheap"])]})
    chat = RouterChatModel(router=Router(tiers, recovery=recovery), models=models)
    assert routing(chat.invoke(EASY))["tier"] == "spare"
    del models["spare"]
    lacking = RouterChatModel(router=Router(tiers, recovery=recovery), models=models)
    models["cheap"].heard.clear()
    with pytest.raises(InputError, match="none for the tier 'spare'"):
        lacking.invoke(EASY)


async def test_many_calls_at_once() -> None:
    ledger: list[Routed] = []
    models = pair(cheap=lambda said: f"It says {said[-1].text}.")
    chat = routed_by(models, on_run=ledger.append)
    spent = UsageMetadataCallbackHandler()
    asked = [f"What is {n}?" for n in range(100)]
    told = await asyncio.gather(*(chat.ainvoke(q, {"callbacks": [spent]}) for q in asked))
    assert [one.text for one in told] == [f"It says {question}." for question in asked]
    assert len(ledger) == 100
    billed = sum((one.usage for one in ledger), Usage())
    counted = sum(one["total_tokens"] for one in spent.usage_metadata.values())
    assert billed.total_tokens == counted == 1200


@both
async def test_tools_are_bound_on_the_chosen_tier(how: str) -> None:
    models = pair()
    bound = routed_by(models).bind_tools([opening], tool_choice="any")
    assert isinstance(bound, RunnableBinding)
    answer = await ask(bound, how)
    assert answer.tool_calls[0]["name"] == "opening"
    _, kwargs = models["cheap"].heard[0]
    assert kwargs["tool_choice"] == "any"
    assert kwargs["tools"][0]["function"]["name"] == "opening"
    whole = joined(await chunks(bound, how))
    assert whole.tool_calls[0]["args"] == {"day": "some text"}


@both
async def test_wrong_arguments_are_mended_by_their_tier(how: str) -> None:
    wrong = AIMessage("", tool_calls=[{"name": "closing", "args": {}, "id": "1"}])
    right = AIMessage("", tool_calls=[{"name": "opening", "args": {"day": "today"}, "id": "2"}])
    models = pair(cheap=[wrong, right])
    answer = await ask(routed_by(models).bind_tools([opening]), how)
    assert answer.tool_calls[0]["args"] == {"day": "today"}
    assert [a["purpose"] for a in routing(answer)["attempts"]] == ["answer", "repair"]
    again, _ = models["cheap"].heard[1]
    assert [message.type for message in again] == ["human", "ai", "tool"]
    assert "no tool is named closing" in str(again[-1].text)


@both
async def test_fallbacks_keep_tools(how: str) -> None:
    down = routed_by(pair(cheap=[LimitError("a")], strong=[LimitError("b")]))
    chat = down.with_fallbacks([routed_by(pair(cheap="Nine, from elsewhere."))])
    assert (await ask(chat, how)).text == "Nine, from elsewhere."
    bound: Any = chat.bind_tools([opening])
    assert len(bound.fallbacks) == 1
    assert (await ask(bound, how)).tool_calls[0]["name"] == "opening"


async def test_a_call_may_name_its_tier() -> None:
    models = pair()
    chat = routed_by(models)
    for name in ("strong", "large"):
        assert routing(chat.invoke(EASY, model=name))["kind"] == "pinned"
    assert models["strong"].calls == 2
    assert "model" not in models["strong"].heard[0][1]
    assert models["cheap"].calls == 0


async def test_tiers_that_cannot_are_passed_over() -> None:
    models = {
        "cheap": Speaker(name_of_model="small", fixed_profile={"tool_calling": False}),
        "strong": Speaker(name_of_model="large", fixed_profile={"image_inputs": True}),
    }
    chat = routed_by(models)
    assert routing(chat.invoke(EASY))["tier"] == "cheap"
    assert routing(chat.bind_tools([opening]).invoke(EASY))["tier"] == "strong"
    image = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    asked = [HumanMessage([{"type": "text", "text": EASY}, image])]
    assert routing(chat.invoke(asked))["tier"] == "strong"


async def test_what_a_router_says_of_itself() -> None:
    models = {
        "cheap": Speaker(fixed_profile={"max_input_tokens": 8, "tool_calling": True, "name": "a"}),
        "strong": Speaker(fixed_profile={"max_input_tokens": 9, "tool_calling": False}),
    }
    chat = routed_by(models)
    assert chat.profile == {"max_input_tokens": 8, "tool_calling": False}
    assert not any(hasattr(chat, name) for name in ("model", "model_name", "model_id"))
    other = routed_by({**models, "cheap": Speaker(name_of_model="other")})
    assert chat._identifying_params != other._identifying_params
    assert chat._get_ls_params()["ls_model_name"] == "router(cheap, strong)"


async def test_caches_and_limits_belong_to_the_models() -> None:
    models = pair()
    router = Router(tiers_of(models))
    limit = InMemoryRateLimiter(requests_per_second=1)
    with pytest.raises(ValueError, match="give the cache or the rate limiter to them"):
        RouterChatModel(router=router, models=models, rate_limiter=limit)
    with pytest.raises(ValueError, match="none for the tier 'strong'"):
        RouterChatModel(router=router, models={"cheap": models["cheap"]})


async def test_generate_gives_runs_and_generations() -> None:
    chat = routed_by(pair())
    prompts: Any = [[HumanMessage(EASY)], [SystemMessage("Be brief."), HumanMessage(HARD)]]
    for result in (chat.generate(prompts), await chat.agenerate(prompts)):
        assert [len(one) for one in result.generations] == [1, 1]
        assert result.run is not None
        assert len({run.run_id for run in result.run}) == 2


class Runs(BaseCallbackHandler):
    """Notes what starts."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any, Any]] = []

    def on_chain_start(self, serialized: Any, inputs: Any, **told: Any) -> None:
        self.seen.append(("chain", told["name"], told["tags"]))

    def on_chat_model_start(self, serialized: Any, messages: Any, **told: Any) -> None:
        model = told["metadata"]
        self.seen.append((model["ragthrift_tier"], model["ls_model_name"], told["tags"]))


async def test_traces_name_the_real_models() -> None:
    runs = Runs()
    chat = routed_by(pair(cheap=DECLINED), tags=["canteen"])
    chat.invoke(EASY, {"callbacks": [runs]})
    assert runs.seen == [
        ("chain", "RouterChatModel", ["canteen"]),
        ("cheap", "small", ["canteen"]),
        ("strong", "large", ["canteen"]),
    ]


async def test_shadow_calls_are_heard_by_nobody(tmp_path: Any) -> None:
    models, runs = pair(), Runs()
    chat = routed_by(models, log=tmp_path / "log.db", shadow_share=1.0)
    for call in (chat.invoke(EASY, {"callbacks": [runs]}), await chat.ainvoke(EASY)):
        assert routing(call)["tier"] == "cheap"
    chat.router.settle()
    assert models["strong"].calls == 2
    assert runs.seen[-1] == ("strong", "large", ["nostream"])
    assert chat.router.log is not None
    assert chat.router.log.bill().attempts == 4
    chat.router.close()


async def test_disabled_streaming_gives_the_whole() -> None:
    chat = routed_by(pair(cheap=DECLINED))
    chat.disable_streaming = True
    assert [one.text for one in chat.stream(EASY)] == ["Nine, strongly."]
    assert [one.text async for one in chat.astream(EASY)] == ["Nine, strongly."]
