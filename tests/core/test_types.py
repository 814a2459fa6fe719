"""The nouns: frozen, equal by value, and clear about what they refuse."""

import copy
import dataclasses
import pickle
import subprocess
import sys

import numpy as np
import pytest

from ragthrift import (
    Budget,
    CacheHit,
    Completion,
    Decision,
    InputError,
    Message,
    Passage,
    Price,
    Scope,
    Tier,
    ToolCall,
    Usage,
)

NOUNS = [
    Passage("Dogs bark.", id="a", score=0.5, metadata={"page": 3}),
    ToolCall("call-1", "menu"),
    Message("assistant", "", tool_calls=(ToolCall("call-1", "menu"),)),
    Completion("Yes.", Usage(3, 1), "small"),
    Budget(500),
    Scope.of(tenant="acme"),
    CacheHit("Soup?", "At noon.", 1.0, 0.9),
    Price(0.1, 0.4, cache_read=0.01),
    Tier("cheap", "small", Price(0.1, 0.4)),
    Decision(Tier("cheap", "small"), "short", (("words", 3.0),)),
]


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: type(noun).__name__)
def test_nouns_are_frozen(noun: object) -> None:
    field = dataclasses.fields(noun)[0]  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(noun, field.name, "other")


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: type(noun).__name__)
def test_nouns_survive_pickle_and_copy(noun: object) -> None:
    assert pickle.loads(pickle.dumps(noun)) == noun
    assert copy.copy(noun) == noun
    assert copy.deepcopy(noun) == noun


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: type(noun).__name__)
def test_nouns_can_be_members_of_a_set(noun: object) -> None:
    assert copy.deepcopy(noun) in {noun}


def test_a_passage_without_id_is_named_by_its_text() -> None:
    assert Passage("Dogs bark.").id == Passage("Dogs bark.", score=1.0).id
    assert Passage("Dogs bark.").id != Passage("Dogs bark!").id
    assert Passage("").id


def test_the_id_is_the_same_in_every_process() -> None:
    code = "from ragthrift import Passage; print(Passage('Dogs bark.').id)"
    for seed in ("1", "2"):
        found = subprocess.check_output(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, text=True
        )
        assert found.strip() == Passage("Dogs bark.").id


def test_any_text_can_be_named() -> None:
    ids = {Passage(text).id for text in ("", "\x00", "\ud800", "\ud801", "🍲")}
    assert len(ids) == 5


def test_with_score_keeps_all_else_and_makes_a_float() -> None:
    before = Passage("Dogs bark.", id="a", metadata={"page": 3})
    after = before.with_score(np.float32(0.5))  # type: ignore[arg-type]
    assert type(after.score) is float
    assert after == Passage("Dogs bark.", id="a", score=0.5, metadata={"page": 3})
    assert before.score is None


def test_with_text_keeps_the_id_even_when_the_text_named_it() -> None:
    before = Passage("Dogs bark. Cats do not.", score=0.5, metadata={"page": 3})
    after = before.with_text("Dogs bark.")
    assert (after.id, after.score, after.metadata) == (before.id, 0.5, {"page": 3})
    assert after.text == "Dogs bark."


def test_passages_do_not_share_metadata_by_default() -> None:
    assert Passage("a").metadata is not Passage("b").metadata


@pytest.mark.parametrize("text", [None, b"bytes", 3, ["Dogs bark."]])
def test_a_passage_is_made_of_str(text: object) -> None:
    with pytest.raises(InputError, match=f"must be str, not {type(text).__name__}"):
        Passage(text)  # type: ignore[arg-type]


def test_an_unknown_role_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="'system', 'user', 'assistant' or 'tool'"):
        Message("human", "Hello")  # type: ignore[arg-type]


def test_a_tool_message_answers_a_call() -> None:
    assert Message("tool", "Soup.", tool_call_id="call-1").tool_call_id == "call-1"
    with pytest.raises(InputError, match="tool_call_id"):
        Message("tool", "Soup.")


@pytest.mark.parametrize("tokens", [0, -1])
def test_a_budget_is_at_least_one_token(tokens: int) -> None:
    with pytest.raises(InputError, match="at least 1"):
        Budget(tokens)


def test_scopes_are_equal_in_any_order_of_parts_and_only_then() -> None:
    assert Scope.of(a="1", b="2") == Scope.of(b="2", a="1")
    assert hash(Scope.of(a="1", b="2")) == hash(Scope.of(b="2", a="1"))
    different = {Scope(), Scope.of(a="1"), Scope.of(a="2"), Scope.of(b="1"), Scope.of(a="1", b="1")}
    assert len(different) == 5
