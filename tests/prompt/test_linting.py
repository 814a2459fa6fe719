"""The linter names what changes, and stays silent where nothing should be the same."""

from typing import Any
from uuid import UUID

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.prompts import ChatPromptTemplate
from llama_index.core.base.llms.types import ChatMessage

from ragthrift import InputError, Message, Passage, Usage
from ragthrift.ledger import Call, Segment
from ragthrift.prompt import (
    PromptLayout,
    PromptParts,
    assert_stable,
    lint,
    lint_calls,
)

WAITER = "You are the waiter of a canteen."


def asked(system: str, *talk: str) -> list[Message]:
    roles = ["user", "assistant"] * len(talk)
    said = [Message(role, text) for role, text in zip(roles, talk, strict=False)]  # type: ignore[arg-type]
    return [Message("system", system), *said]


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("It is 2026-11-22T09:30:01Z.", "It is 2026-11-22T09:30:07Z.", "clock"),
        ("Today is November 22, 2026.", "Today is November 23, 2026.", "clock"),
        ("At 1763800000 s.", "At 1763800777 s.", "clock"),
        (f"Run {UUID(int=1 << 120)}", f"Run {UUID(int=(1 << 120) + 7)}", "id"),
        ("request_id: a81f00c2", "request_id: b91f00c2", "id"),
        ('Menu: {"soup": 3, "bread": 1}', 'Menu: {"bread": 1, "soup": 3}', "json"),
        ("Be brief.\nBe kind.", "Be brief. \n\nBe kind.", "whitespace"),
        ("The user is Ann.", "The user is Ben.", "user"),
        ("Relevant memories: likes soup", "Relevant memories: likes tea", "memory"),
        ("Be brief.", "Be kind.", "changed"),
    ],
)
def test_what_changed_in_the_system_message_is_named(old: str, new: str, cause: str) -> None:
    [found] = lint(asked(f"{WAITER} {old}", "Soup?"), asked(f"{WAITER} {new}", "Bread?"))
    assert found.cause == cause
    assert found.section == "message 1 (system)"
    assert found.advice in found.explain()


@pytest.mark.parametrize(
    ("text", "causes"),
    [
        ("Now: 2026-11-22 09:30", ["clock"]),
        ("Current date: 22 Nov 2026", ["clock"]),
        (f"Your session id: {UUID(int=5 << 120)}", ["id"]),
        ("You are talking to Ann.", ["user"]),
        ("Write to ann@example.com", ["user"]),
        ("Facts about the user: likes soup", ["memory"]),
        ('The menu is {"soup": 3, "bread": 1}', ["json"]),
        ('The menu is {"bread": 1, "soup": 3}', []),
        ("The law of 1 May 1997 holds. Call 0800 123456. Ratio 3:1.", []),
        ("Soup costs {price} [1], bread costs less.", []),
    ],
)
def test_looks_of_one_prompt(text: str, causes: list[str]) -> None:
    assert [found.cause for found in lint(asked(text, "Soup?"))] == causes


def test_the_question_may_hold_anything() -> None:
    assert lint(asked(WAITER, "Was it 2026-11-22 09:30:00, ann@example.com?")) == ()
    assert lint(asked(WAITER, "It is 9:30."), asked(WAITER, "It is 9:41.")) == ()


def test_a_conversation_that_grows_is_stable() -> None:
    turns = ["Hello", "Good day", "Soup?", "At noon.", "Bread?"]
    prompts = [asked(WAITER, *turns[:n]) for n in (1, 3, 5)]
    assert_stable(prompts)
    assert lint(*prompts) == ()


def test_a_sliding_window_is_named() -> None:
    turns = ["Hello", "Good day", "Soup?", "At noon.", "Bread?"]
    [found] = lint(asked(WAITER, *turns[:3]), asked(WAITER, *turns[2:]))
    assert found.cause == "window"


def test_memories_in_front_are_named() -> None:
    memory = Message("system", "Relevant memories: she likes soup.")
    before = asked(WAITER, "Hello")
    [found] = lint(before, [memory, *before])
    assert found.cause == "memory"
    [other] = lint(before, [Message("system", "A new notice."), *before])
    assert other.cause == "inserted"


def test_tools_that_changed_places() -> None:
    menu, book = {"name": "menu", "a": 1, "b": 2}, {"name": "book"}
    turned = {"b": 2, "a": 1, "name": "menu"}

    def request(*tools: dict[str, Any]) -> dict[str, Any]:
        return {"tools": list(tools), "messages": [{"role": "user", "content": "Soup?"}]}

    assert [f.cause for f in lint(request(menu, book), request(book, menu))] == ["tools"]
    assert [f.cause for f in lint(request(menu, book), request(turned, book))] == ["json"]
    assert [f.cause for f in lint(request(menu), request(book))] == ["changed"]


def test_documents_that_changed_places() -> None:
    soup, rules = Passage("Soup at noon."), Passage("No dogs.")
    layout = PromptLayout()
    prompts = [
        layout.arrange(PromptParts(system=WAITER, question=f"{n}?", documents=documents))
        for n, documents in enumerate([(soup, rules), (rules, soup)])
    ]
    assert [found.cause for found in lint(*prompts)] == ["documents"]
    kept = PromptLayout(hot=[soup.id, rules.id])
    assert_stable(
        [
            kept.arrange(PromptParts(system=WAITER, question="?", documents=documents))
            for documents in [(soup, rules), (rules, soup)]
        ]
    )


def test_messages_of_the_frameworks() -> None:
    def chain(clock: str) -> Any:
        template = ChatPromptTemplate([("system", "It is {clock}."), ("user", "Soup?")])
        return template.invoke({"clock": clock})

    with pytest.raises(AssertionError, match=r"message 1 \(system\), character 8 \(clock\)"):
        assert_stable([chain("9:30"), chain("9:41")])
    marked = SystemMessage([{"type": "text", "text": WAITER, "cache_control": {}}])
    assert_stable([[marked, HumanMessage("Soup?")], [SystemMessage(WAITER), HumanMessage("Tea?")]])
    talk = [ChatMessage(role="system", content=text) for text in ("A", "B")]
    assert [found.cause for found in lint(*[[message] for message in talk])] == ["changed"]
    called = AIMessage("", tool_calls=[{"id": "1", "name": "menu", "args": {}}])
    assert_stable([[HumanMessage("a"), called], [HumanMessage("a"), called, HumanMessage("b")]])


def test_anthropic_s_and_bedrock_s_requests() -> None:
    def request(clock: str, tools: Any) -> dict[str, Any]:
        return {"system": [{"text": f"It is {clock}."}], "messages": [], **tools}

    bedrock = {"toolConfig": {"tools": [{"toolSpec": {"name": "menu"}}]}}
    [found] = lint(request("9:30", bedrock), request("9:41", bedrock))
    assert (found.section, found.cause) == ("system", "clock")


def test_the_failure_says_what_to_do() -> None:
    with pytest.raises(AssertionError) as failure:
        assert_stable([asked(WAITER, "a"), asked(WAITER, "b"), asked(f"{WAITER} At 9:30.", "c")])
    assert str(failure.value).startswith("prompt 3 does not begin as prompt 2 does")
    assert "At 9:30" in str(failure.value)
    assert "PromptParts.context" in str(failure.value)


def test_what_cannot_be_linted() -> None:
    with pytest.raises(InputError, match="at least 2"):
        assert_stable([asked(WAITER)])
    with pytest.raises(InputError, match="needs a prompt"):
        lint()
    with pytest.raises(InputError, match="int is no prompt"):
        lint(3)


def segment(kind: Any, text: str, tokens: int = 500) -> Segment:
    return Segment.of(kind, text, tokens=tokens)


def call(*segments: Segment, session: str = "", kind: str = "faq") -> Call:
    return Call(model="m", usage=Usage(10), segments=segments, session=session, request_type=kind)


def test_a_ledger_tells_what_is_lost() -> None:
    system, question = segment("system", "a"), segment("question", "q")
    turns = [segment("history", str(n)) for n in range(4)]
    calls = [
        call(system, segment("document", "x"), segment("document", "y"), question),
        call(system, segment("document", "y"), segment("document", "x"), question),
        call(segment("system", "9:30"), turns[0], session="s", kind="talk"),
        call(segment("system", "9:41"), turns[0], session="s", kind="talk"),
        call(system, *turns[:3], session="t", kind="window"),
        call(system, *turns[1:], session="t", kind="window"),
        call(system, question, kind="stable"),
        call(system, segment("question", "other"), kind="stable"),
    ]
    found = {one.request_type: one for one in lint_calls(calls)}
    assert {name: one.cause for name, one in found.items()} == {
        "faq": "documents",
        "talk": "changed",
        "window": "window",
    }
    assert found["faq"].lost_tokens == 1500
    assert (found["talk"].calls, found["talk"].of, found["talk"].lost_tokens) == (1, 1, 500)
    assert "1 of 1 prompts part in document (documents)" in found["faq"].explain()
