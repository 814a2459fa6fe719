"""What must be equal, and what may never be looked up."""

import logging

import pytest

from ragthrift import InputError, Message, Scope
from ragthrift.cache import Rules, SemanticCache, cache_scope, last_question
from ragthrift.cache.question import goes_on, is_bare, same_question
from ragthrift.testing import FakeEmbedder
from tests.cache.fakes import Model, ServeNear

FULL: dict[str, object] = {
    "tenant": "acme",
    "user": "ann",
    "model": "small",
    "sampling": {"temperature": 0, "top_p": 1},
    "system_prompt": "Be brief.",
    "tools": [{"name": "search"}],
    "schema": {"type": "object"},
    "prompt_version": "3",
    "embedder": "minilm",
    "corpus": "handbook",
    "earlier": "0123",
}
OTHER: dict[str, object] = {
    "sampling": {"temperature": 1, "top_p": 1},
    "tools": [{"name": "search", "strict": True}],
    "schema": {"type": "array"},
}


@pytest.mark.parametrize("part", FULL)
def test_each_part_keeps_answers_apart(part: str) -> None:
    cache = SemanticCache(FakeEmbedder(), policy=ServeNear(0.0), on_error="raise")
    scope = cache_scope(**FULL)  # type: ignore[arg-type]
    other = cache_scope(**(FULL | {part: OTHER.get(part, "other")}))  # type: ignore[arg-type]
    without = cache_scope(**{k: v for k, v in FULL.items() if k != part})  # type: ignore[arg-type]
    cache.store("When is soup?", "At noon.", scope=scope)
    assert cache.lookup("When is soup?", scope=scope)
    assert cache.lookup("When is soup?", scope=other) is None
    assert cache.lookup("When is soup?", scope=without) is None


def test_parts_do_not_run_into_each_other() -> None:
    cache = SemanticCache(None, on_error="raise")
    cache.store("When is soup?", "At noon.", scope=Scope.of(a="x", b="y"))
    for scope in (Scope.of(a="x, b=y"), Scope((("a", "x"), ("by", ""))), Scope.of(b="x", a="y")):
        assert cache.lookup("When is soup?", scope=scope) is None


def test_order_of_parts_and_keys_does_not_count() -> None:
    first = cache_scope(model="m", sampling={"temperature": 0, "seed": 1})
    assert first == cache_scope(sampling={"seed": 1, "temperature": 0}, model="m")


def test_a_part_without_json_is_refused() -> None:
    with pytest.raises(InputError, match="JSON"):
        cache_scope(tools=[object()])


@pytest.mark.parametrize("scope", [Scope(), cache_scope(model="m"), Scope.of(model="m", tenant="")])
def test_a_missing_declared_part_fails_closed(
    scope: Scope, caplog: pytest.LogCaptureFixture
) -> None:
    cache = SemanticCache(None, rules=Rules(declared=("tenant", "model")), on_error="raise")
    model = Model()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            answer = cache.answer("When is soup?", model, scope=scope)
            assert (answer.text, answer.source) == ("At nine.", "model")
            cache.store("When is soup?", "At noon.", scope=scope)
    assert model.calls == 3
    assert cache.counters["scope_incomplete"] == 6
    assert len(caplog.records) == 1
    assert cache._store.size() == (0, 0)


def test_a_complete_scope_is_served() -> None:
    cache = SemanticCache(None, rules=Rules(declared=("tenant",)), on_error="raise")
    cache.store("When is soup?", "At noon.", scope=Scope.of(tenant="acme"))
    assert cache.lookup("When is soup?", scope=Scope.of(tenant="acme"))


def talk(*turns: str) -> list[Message]:
    return [Message("user", turn) for turn in turns]


def test_the_same_words_after_other_turns_are_another_question() -> None:
    cache = SemanticCache(FakeEmbedder(), policy=ServeNear(0.0), on_error="raise")
    soup = last_question(talk("Is there soup?", "And on Friday?"))
    tea = last_question(talk("Is there tea?", "And on Friday?"))
    model = Model("On Friday, yes.")
    for asked in (soup, tea, soup):
        cache.answer(asked.question, model, scope=cache_scope(earlier=asked.earlier))
    assert model.calls == 2


def test_a_rewritten_question_is_shared_between_conversations() -> None:
    cache = SemanticCache(None, on_error="raise")
    model = Model()
    for turns in (("Is there soup?", "And on Friday?"), ("I like soup.", "On Friday, too?")):
        asked = last_question(talk(*turns), rewritten="Is there soup on Friday?")
        cache.answer(asked.question, model, scope=cache_scope(earlier=asked.earlier))
    assert model.calls == 1


def test_a_judge_may_say_that_a_question_stands_alone() -> None:
    asked = [
        last_question(talk("I like soup.", question), stands_alone=lambda text: "canteen" in text)
        for question in ("When does the canteen open?", "And on Friday?")
    ]
    assert [a.earlier is None for a in asked] == [True, False]


def test_a_conversation_needs_a_question() -> None:
    with pytest.raises(InputError, match="user"):
        last_question([Message("system", "Be brief.")])


@pytest.mark.parametrize(
    ("question", "earlier"),
    [
        ("yes", "0123"),
        ("Yes, please!", "0123"),
        ("cancel it", "0123"),
        ("Why?", None),
        ("What about that one?", "0123"),
        ("Who is she?", None),
        ("And on Friday?", None),
        ("What about soup?", None),
    ],
)
def test_what_needs_earlier_turns_is_never_served_or_stored(
    question: str, earlier: str | None
) -> None:
    cache = SemanticCache(None, on_error="raise")
    scope = cache_scope(earlier=earlier)
    cache.store(question, "Done.", scope=scope)
    assert cache.lookup(question, scope=scope) is None
    assert "earlier turns" in cache.explain(question, scope=scope).reason
    assert cache._store.size() == (0, 0)


@pytest.mark.parametrize(
    "question",
    [
        "How do I disable SSH root login?",
        "When does the canteen open?",
        "Soup?",
        "What is the VAT rate in this year's handbook?",
        "Where is my parcel",
    ],
)
def test_questions_that_stand_alone_are_not_held_back(question: str) -> None:
    assert not is_bare(question)
    assert not goes_on(question)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("When is soup?", "when is soup"),
        ("  When\tis\nsoup ?", "When is soup"),
        ("Cafe\u0301 open?", "Caf\u00e9 open?"),
    ],
)
def test_the_same_question(one: str, other: str) -> None:
    assert same_question(one) == same_question(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Who works in IT?", "Who works in it?"),
        ("What is 5!", "What is 5"),
        ("What is x\u00b2?", "What is x2?"),
        ("Is port 80 open?", "Is port 8 0 open?"),
        ("How do I use C++?", "How do I use C?"),
        ("Is it -5?", "Is it 5?"),
    ],
)
def test_not_the_same_question(one: str, other: str) -> None:
    assert same_question(one) != same_question(other)


def test_only_a_text_is_a_question() -> None:
    with pytest.raises(InputError, match="str"):
        SemanticCache(None).lookup(None, scope=Scope())  # type: ignore[arg-type]
