"""The order of a prompt's parts, and where it is cached."""

from itertools import pairwise

import pytest

from ragthrift import InputError, Message, Passage, Usage
from ragthrift.ledger import Call
from ragthrift.prompt import (
    Prompt,
    PromptLayout,
    PromptParts,
    Stretch,
    Traffic,
    assert_stable,
    plan_breakpoints,
    to_request,
)
from ragthrift.provider_cache import PrefixCache, rules_for
from ragthrift.types import Tool, ToolCall

SONNET = rules_for("claude-sonnet-4-5")
RULES = "Be brief. " * 800
MENU = Tool("menu", "Dishes", {"type": "object", "properties": {"day": {"type": "string"}}})
BOOK = Tool("book", "A table", {"properties": {"b": {}, "a": {}}, "type": "object"})
HOT, COLD = Passage("No dogs.", id="rules"), Passage("Soup at noon.", id="soup")
TALK = (Message("user", "Hello"), Message("assistant", "Good day"))


def parts(question: str = "Soup?", **more: object) -> PromptParts:
    given: dict[str, object] = {"system": RULES, "question": question} | more
    return PromptParts(**given)  # type: ignore[arg-type]


def kinds(prompt: Prompt) -> list[str]:
    return [segment.kind for segment in prompt.segments]


def test_what_stays_comes_first_and_the_question_last() -> None:
    prompt = PromptLayout(SONNET, hot=["rules"]).arrange(
        parts(
            tools=(MENU, BOOK),
            examples=(Message("user", "Tea?"), Message("assistant", "At four.")),
            documents=(COLD, HOT),
            history=TALK,
            context="Today is Monday.",
        )
    )
    assert kinds(prompt) == [
        *("tools", "system", "example", "example", "history", "history"),
        *("document", "document", "other", "question"),
    ]
    assert [tool.name for tool in prompt.tools] == ["book", "menu"]
    assert list(prompt.tools[0].parameters["properties"]) == ["a", "b"]  # type: ignore[call-overload]
    last = prompt.messages[-1]
    assert last == Message("user", "No dogs.\n\nSoup at noon.\n\nToday is Monday.\n\nSoup?")
    assert [message.role for message in prompt.messages[:-1]] == [
        *("system", "user", "assistant", "user", "assistant")
    ]


def test_the_best_of_the_cold_documents_stands_next_to_the_question() -> None:
    ranked = tuple(Passage(name, id=name) for name in ("best", "rules", "good", "worst"))
    prompt = PromptLayout(hot=["rules"]).arrange(parts(documents=ranked))
    assert [p.id for p in prompt.pieces if p.kind == "document"] == [
        *("rules", "worst", "good", "best")
    ]


def test_equal_parts_give_equal_prompts_whatever_their_order() -> None:
    layout = PromptLayout(SONNET, hot=["rules", "soup"])
    first = layout.arrange(parts(tools=(MENU, BOOK), documents=(HOT, COLD)))
    second = layout.arrange(parts(tools=(BOOK, MENU), documents=(COLD, HOT)))
    assert first == second
    assert to_request(first, SONNET) == to_request(second, SONNET)


def test_documents_of_a_whole_conversation_stand_before_it() -> None:
    layout = PromptLayout(SONNET, documents="before_history")
    prompt = layout.arrange(parts(documents=(COLD,), history=TALK))
    assert kinds(prompt) == ["system", "document", "history", "history", "question"]
    assert prompt.messages[0].content.endswith("Soup at noon.")
    assert [mark.after for mark in prompt.plan.breakpoints] == [1, 2, 4]
    with pytest.raises(InputError, match="documents="):
        PromptLayout(documents="last")  # type: ignore[arg-type]


def test_a_growing_conversation_begins_alike_and_is_read_from_the_cache() -> None:
    layout, history, prompts = PromptLayout(SONNET), list(TALK), []
    for turn in range(4):
        question = f"Question {turn}?"
        passages = (Passage(f"Found for {turn}"),)
        prompts.append(layout.arrange(parts(question, documents=passages, history=tuple(history))))
        history += [Message("user", question), Message("assistant", f"Answer {turn}.")]
    assert_stable(prompts)
    cache = PrefixCache(SONNET)
    bills = [
        cache.bill(prompt.segments, prompt.plan.breakpoints, at=30.0 * n)
        for n, prompt in enumerate(prompts)
    ]
    assert all(later.read > before.read for before, later in pairwise(bills))
    assert bills[-1].write < 20


def test_hot_documents_are_marked_only_if_their_beginning_comes_again() -> None:
    asked = parts(documents=(COLD, HOT))
    rare = PromptLayout(SONNET, hot=["rules"]).arrange(asked)
    often = PromptLayout(SONNET, hot=["rules"], hot_traffic=Traffic.every(5)).arrange(asked)
    assert [mark.after for mark in rare.plan.breakpoints] == [1]
    assert [mark.after for mark in often.plan.breakpoints] == [1, 2]
    assert "no other prompt begins with it" in rare.plan.explain()


def test_a_layout_learns_from_a_ledger() -> None:
    layout = PromptLayout(SONNET)
    calls = [
        Call(
            model="claude-sonnet-4-5",
            usage=Usage(3000, 50),
            segments=layout.arrange(parts(f"{n}?", documents=(Passage(f"{n}"), HOT))).segments,
            at=1e9 + 60 * n,
        )
        for n in range(20)
    ]
    learnt = PromptLayout.learn(calls)
    assert learnt.hot == ("rules",)
    assert learnt.rules == SONNET
    plan = learnt.arrange(parts(documents=(COLD, HOT))).plan
    assert [mark.after for mark in plan.breakpoints] == [1, 2]
    assert [mark.lifetime for mark in plan.breakpoints] == ["5m", "5m"]
    with pytest.raises(InputError, match="no calls"):
        PromptLayout.learn([])


def stretch(tokens: int, traffic: Traffic, after: int = 1) -> Stretch:
    return Stretch("the stable part", after, tokens, traffic)


@pytest.mark.parametrize(
    ("model", "tokens", "traffic", "said"),
    [
        ("claude-sonnet-4-5", 1500, Traffic.once(), "no other prompt begins with it"),
        ("claude-sonnet-4-5", 900, Traffic.every(9), "caches no less than 1024 tokens"),
        ("claude-haiku-4-5", 1500, Traffic.every(9), "caches no less than 4096 tokens"),
        ("claude-sonnet-4-5", 1500, Traffic.every(7200), "forgotten after 3600 s"),
        (
            "claude-sonnet-4-5",
            1500,
            Traffic((9.0, *[9999.0] * 8), 10),
            "too few calls come before it is forgotten",
        ),
        ("gpt-5-mini", 1500, Traffic.every(9), "nothing to mark"),
        ("gpt-5-mini", 500, Traffic.every(9), "no less than 1024"),
        ("claude-haiku-9", 1500, Traffic.every(9), "no price of claude-haiku-9 is known"),
        ("nobody-knows-it", 1500, Traffic.every(9), "no price"),
    ],
)
def test_when_not_to_cache(model: str, tokens: int, traffic: Traffic, said: str) -> None:
    plan = plan_breakpoints([stretch(tokens, traffic)], rules_for(model))
    assert plan.breakpoints == ()
    assert said in plan.explain()
    assert plan.price == 1.0


def test_the_lifetime_follows_the_gaps() -> None:
    for seconds, lifetime in ((60, "5m"), (1200, "1h")):
        plan = plan_breakpoints([stretch(1500, Traffic.every(seconds))], SONNET)
        assert [mark.lifetime for mark in plan.breakpoints] == [lifetime]
        assert plan.price == pytest.approx(0.1, abs=0.01)


def test_longer_lifetimes_come_first() -> None:
    stretches = [
        stretch(1500, Traffic.every(60)),
        stretch(3000, Traffic.every(1200), after=2),
    ]
    plan = plan_breakpoints(stretches, SONNET)
    assert [mark.lifetime for mark in plan.breakpoints] == ["5m"]
    assert "forgotten" in plan.explain() or "would cost" in plan.explain()


def test_traffic_that_cannot_be() -> None:
    with pytest.raises(InputError, match="more calls than gaps"):
        Traffic((1.0,), 1)


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "gpt-6.1-terra", "gpt-5-mini"])
def test_a_request_carries_tools_and_their_results(model: str) -> None:
    call = ToolCall("1", "menu", '{"day": "monday"}')
    talk = (
        Message("user", "Monday?"),
        Message("assistant", "", (call,)),
        Message("tool", "Soup", tool_call_id="1"),
        Message("assistant", "Soup."),
    )
    rules = rules_for(model)
    prompt = PromptLayout(rules).arrange(parts(tools=(MENU,), history=talk))
    request = to_request(prompt, rules, key="canteen")
    if model.startswith("claude"):
        assert request["messages"][1]["content"] == [
            {"type": "tool_use", "id": "1", "name": "menu", "input": {"day": "monday"}}
        ]
        assert request["messages"][2]["content"][0]["type"] == "tool_result"
        assert request["messages"][3]["content"][0]["cache_control"] == {"type": "ephemeral"}
        assert request["system"][0]["cache_control"] == {"type": "ephemeral"}
    else:
        assert request["messages"][2]["tool_calls"][0]["function"]["name"] == "menu"
        assert request["messages"][3]["tool_call_id"] == "1"
        assert request["prompt_cache_key"] == "canteen"
        assert ("prompt_cache_options" in request) is (model == "gpt-6.1-terra")


def test_bedrock_gets_points() -> None:
    rules = rules_for("anthropic.claude-sonnet-4-5-20250929-v1:0", "aws")
    call = ToolCall("1", "menu", '{"day": "monday"}')
    talk = (Message("assistant", "", (call,)), Message("tool", "Soup", tool_call_id="1"))
    request = to_request(PromptLayout(rules).arrange(parts(tools=(MENU,), history=talk)), rules)
    assert request["system"][1] == {"cachePoint": {"type": "default"}}
    assert request["messages"][1]["content"][1] == {"cachePoint": {"type": "default"}}
    assert request["messages"][0]["content"][0]["toolUse"]["name"] == "menu"
    assert request["messages"][1]["content"][0]["toolResult"]["toolUseId"] == "1"


def test_tools_alone_are_marked_after_the_last() -> None:
    long = Tool("menu", "Dishes. " * 1000)
    prompt = PromptLayout(SONNET).arrange(PromptParts(question="Soup?", tools=(BOOK, long)))
    request = to_request(prompt, SONNET)
    assert ["cache_control" in tool for tool in request["tools"]] == [False, True]
