"""Agents whose prompts can be cached, as they arrive at the providers."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelFallbackMiddleware
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.tools import tool

from langchain_ragthrift import PromptCachingMiddleware, RoutingMiddleware, tiers_of
from ragthrift import Price
from ragthrift.prompt import Traffic
from ragthrift.route import Router
from tests.langchain.prompt.provider_server import provider

anthropic = pytest.importorskip("langchain_anthropic", reason="langchain-anthropic is missing")
openai = pytest.importorskip("langchain_openai", reason="langchain-openai is missing")

RULES = "You are the waiter of a canteen. " * 300
EPHEMERAL = {"type": "ephemeral"}
ASKED: Any = {"messages": [("user", "Is there soup?")]}
ONCE = Traffic.once()


@tool
def menu(day: str) -> str:
    """Dishes of a day."""
    return "soup"


@tool(extras={"cache_control": EPHEMERAL})
def book(day: str) -> str:
    """A table."""
    return "booked"


def claude(address: str, model: str = "claude-sonnet-4-5") -> Any:
    return anthropic.ChatAnthropic(model=model, base_url=address, api_key="k", max_retries=0)


def gpt(address: str, model: str = "gpt-5.6-sol", *, responses: bool = False) -> Any:
    return openai.ChatOpenAI(
        model=model,
        base_url=f"{address}/v1",
        api_key="k",
        max_retries=0,
        use_responses_api=responses,
    )


def ask(
    model: Any, *middleware: Any, tools: Any = (), rules: str = RULES, asked: Any = ASKED
) -> Any:
    agent = create_agent(model, tools=tools, system_prompt=rules, middleware=middleware)
    return agent.invoke(asked)


async def test_anthropic_gets_a_marker_after_its_rules_only() -> None:
    caching = PromptCachingMiddleware()
    with provider() as (address, asked):
        agent = create_agent(claude(address), system_prompt=RULES, middleware=[caching])
        agent.invoke(ASKED)
        await agent.ainvoke(ASKED)
    for request in asked:
        assert request["system"][-1]["cache_control"] == EPHEMERAL
        assert str(request).count("cache_control") == 1
        assert "cache_control" not in request
    assert "the stable part" in caching.plan.explain()
    assert "no other prompt begins with it" in caching.plan.explain()


def test_a_conversation_is_marked_at_its_end() -> None:
    talk = {"messages": [("user", "Hi"), ("assistant", "Hello"), ("user", "Is there soup?")]}
    with provider() as (address, asked):
        ask(claude(address), PromptCachingMiddleware(), asked=talk)
        ask(claude(address), PromptCachingMiddleware(session=ONCE), asked=talk)
    assert asked[0]["messages"][-1]["content"][0]["cache_control"] == EPHEMERAL
    assert str(asked[1]["messages"]).count("cache_control") == 0


def test_openai_gets_a_breakpoint_a_key_and_no_mark_of_its_own() -> None:
    with provider() as (address, asked):
        ask(gpt(address), PromptCachingMiddleware(key="canteen"))
        ask(gpt(address, "gpt-5-mini"), PromptCachingMiddleware(key="canteen"))
        ask(gpt(address), PromptCachingMiddleware(), rules="Be brief.")
    new, old, short = asked
    assert new["messages"][0]["content"][0]["prompt_cache_breakpoint"] == {"mode": "explicit"}
    assert new["prompt_cache_options"] == {"mode": "explicit", "ttl": "30m"}
    assert new["prompt_cache_key"] == old["prompt_cache_key"] == "canteen"
    assert "prompt_cache_options" not in old
    assert "breakpoint" not in str(old)
    assert short["prompt_cache_options"]["mode"] == "explicit", "nothing is written unasked"
    assert "breakpoint" not in str(short)


def test_openai_s_responses_get_the_same() -> None:
    with provider() as (address, asked):
        ask(gpt(address, responses=True), PromptCachingMiddleware(key="canteen"))
    [request] = asked
    assert request["path"].endswith("/responses")
    assert request["input"][0]["content"][0]["prompt_cache_breakpoint"] == {"mode": "explicit"}
    assert request["prompt_cache_options"]["mode"] == "explicit"
    assert request["prompt_cache_key"] == "canteen"


def test_tools_are_sent_in_one_order() -> None:
    with provider() as (address, asked):
        for tools in ([menu, book], [book, menu]):
            ask(claude(address), PromptCachingMiddleware(), tools=tools)
    first, second = asked
    assert [one["name"] for one in first["tools"]] == ["book", "menu"]
    assert first == second
    assert str(first["tools"]).count("cache_control") == 0
    assert book.extras == {"cache_control": EPHEMERAL}


def test_tools_without_rules_are_marked_after_the_last() -> None:
    @tool(description="Dishes of a day. " * 500)
    def long(day: str) -> str:
        return "soup"

    with provider() as (address, asked):
        agent = create_agent(
            claude(address), tools=[long, book], middleware=[PromptCachingMiddleware(session=ONCE)]
        )
        agent.invoke(ASKED)
    assert ["cache_control" in one for one in asked[0]["tools"]] == [False, True]


def test_volatile_context_stands_right_before_the_question() -> None:
    talk = {"messages": [("user", "Hi"), ("assistant", "Hello"), ("user", "Is there soup?")]}
    caching = PromptCachingMiddleware(context=lambda request: "It is 9:30.")
    with provider() as (address, asked):
        ask(claude(address), caching, asked=talk)
    [request] = asked
    assert [block["text"] for block in request["messages"][-1]["content"]] == [
        "It is 9:30.\n\n",
        "Is there soup?",
    ]
    assert "9:30" not in str(request["system"])
    assert request["messages"][1]["content"][-1]["cache_control"] == EPHEMERAL
    assert "cache_control" not in str(request["messages"][2])


def test_a_fallback_gets_the_markers_of_its_own_provider() -> None:
    with provider(refuse="chat/completions") as (address, asked):
        fallback = ModelFallbackMiddleware(claude(address))
        ask(gpt(address), fallback, PromptCachingMiddleware(key="canteen"))
    refused, answered = asked
    assert "prompt_cache_breakpoint" in str(refused)
    assert "prompt_cache" not in str(answered)
    assert answered["system"][-1]["cache_control"] == EPHEMERAL


def test_langchain_s_fallback_cleans_up_where_the_order_is_the_other() -> None:
    with provider(refuse="/v1/messages") as (address, asked):
        fallback = ModelFallbackMiddleware(gpt(address))
        ask(claude(address), PromptCachingMiddleware(), fallback)
    assert "cache_control" in str(asked[0])
    assert "cache_control" not in str(asked[1])


@pytest.mark.parametrize("outer", [True, False])
def test_our_router_sends_each_provider_its_own(outer: bool) -> None:
    prices = {"cheap": Price(0.1, 0.4), "strong": Price(3.0, 15.0)}
    with provider(refuse="chat/completions") as (address, asked):
        models = {"cheap": gpt(address), "strong": claude(address)}
        routing = RoutingMiddleware(Router(tiers_of(models, prices)), models)
        both = [routing, PromptCachingMiddleware()]
        ask(models["strong"], *(both if outer else both[::-1]))
    for request in asked:
        foreign = "cache_control" if "chat" in request["path"] else "prompt_cache"
        assert foreign not in str(request)
    assert "cache_control" in str(asked[-1]) or not outer


def test_an_unknown_model_gets_its_messages_as_they_are() -> None:
    model = GenericFakeChatModel(messages=iter([AIMessage("At noon.")]))
    caching = PromptCachingMiddleware()
    state = ask(model, caching)
    assert state["messages"][-1].content == "At noon."
    assert caching.plan.breakpoints == ()
    assert caching.failures == {}


def test_marks_are_not_added_up() -> None:
    with provider() as (address, asked):
        twice = create_agent(
            claude(address),
            system_prompt=SystemMessage(
                [{"type": "text", "text": RULES, "cache_control": {**EPHEMERAL, "ttl": "1h"}}]
            ),
            middleware=[PromptCachingMiddleware()],
        )
        marked = HumanMessage([{"type": "text", "text": "Soup?", "cache_control": EPHEMERAL}])
        twice.invoke({"messages": [marked]})
    assert str(asked[0]).count("cache_control") == 1


def test_a_failure_passes_the_request_on() -> None:
    def broken(request: Any) -> str:
        raise OSError("no clock")

    caching = PromptCachingMiddleware(context=broken)
    with provider() as (address, asked):
        ask(claude(address), caching)
    assert asked[0]["system"] == RULES
    assert caching.failures == {"markers": 1}
    with provider() as (address, _), pytest.raises(OSError, match="no clock"):
        ask(claude(address), PromptCachingMiddleware(context=broken, on_error="raise"))
