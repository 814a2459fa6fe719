"""Old turns are found, within the budget, in their order."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ragthrift import InputError, Message, Passage
from ragthrift.memory.recall import Recall
from ragthrift.memory.segment import Fact
from ragthrift.memory.turn import Turn
from ragthrift.testing import FakeEmbedder
from ragthrift.types import ToolCall
from tests.memory.recall.talks import chatter, talk, texts

NUMBER = "My customer number is 4711."
LONG_TALK = talk(*chatter(40), NUMBER, "Noted.", *chatter(40))


def test_a_turn_is_found_among_many() -> None:
    found = Recall().recall("What is my customer number?", LONG_TALK, budget_tokens=40)
    assert NUMBER in texts(found)


def test_an_answer_is_found_by_the_words_of_its_question() -> None:
    turns = talk(
        *chatter(20), "Which colour should the kitchen walls have?", "Ochre.", *chatter(20)
    )
    assert "Ochre." in texts(Recall().recall("kitchen walls colour", turns, budget_tokens=60))


def test_a_turn_is_found_by_its_date() -> None:
    may = talk("We went to the lake.", "How nice!", at=1_683_800_000.0)  # 11 May 2023
    june = talk("We went to the sea.", "How nice indeed!", at=1_686_500_000.0)
    found = Recall().recall("Where did we go in May?", [*june, *may], budget_tokens=20)
    assert texts(found)[0] == "We went to the lake."


def test_facts_lead_to_their_turns() -> None:
    turns = talk(*chatter(20), "She never touches those, her throat swells up.", *chatter(20))
    facts = [Fact("Eva is allergic to peanuts", (turns[20].id,))]
    question = "Which allergies does Eva have?"
    assert not Recall().recall(question, turns, budget_tokens=40)
    found = Recall().recall(question, turns, budget_tokens=40, facts=facts)
    assert turns[20] in found


class Meaning:
    """Knows that a beagle is a dog, and nothing else."""

    def embed(self, texts: list[str] | tuple[str, ...]) -> NDArray[np.float32]:
        near = [float("beagle" in text.lower() or "dog" in text.lower()) for text in texts]
        return np.array([[one, 1 - one] for one in near], dtype=np.float32).reshape(-1, 2)


def test_an_embedder_finds_what_no_word_of_the_query_names() -> None:
    turns = talk(*chatter(20), "Our beagle sleeps on the sofa.", *chatter(20))
    assert not Recall().recall("dog", turns, budget_tokens=30)
    found = Recall(Meaning()).recall("dog", turns, budget_tokens=30)  # type: ignore[arg-type]
    assert turns[20] in found


def test_an_embedder_is_asked_for_each_turn_once() -> None:
    asked: list[str] = []

    class Listening(FakeEmbedder):
        def embed(self, texts):  # type: ignore[no-untyped-def]
            asked.extend(texts)
            return super().embed(texts)

    recall = Recall(Listening())
    for query in ("number", "bridge"):
        recall.recall(query, LONG_TALK, budget_tokens=50)
    assert len(asked) == len({turn.id for turn in LONG_TALK}) + 2


def test_what_the_passages_say_is_left_out() -> None:
    said = "The canteen opens at nine and closes at half past two on working days."
    turns = talk(*chatter(10), said, "I see.", *chatter(10))
    query = "When does the canteen open?"
    assert said in texts(Recall().recall(query, turns, budget_tokens=60))
    passage = Passage(f"Opening hours. {said} Guests sign the book.")
    told = Recall().recall(query, turns, budget_tokens=60, exclude=[passage])
    assert said not in texts(told)


def test_a_text_is_recalled_once_and_the_query_never() -> None:
    query = "What is the code of the cellar door?"
    turns = talk(query, "The cellar door code is 88.", query, "The cellar door code is 88.")
    assert texts(Recall().recall(query, turns, budget_tokens=99)) == ["The cellar door code is 88."]


def test_of_a_long_turn_the_parts_that_matter_are_recalled() -> None:
    rows = [f'{{"order": "R{n}", "state": "shipped to hall {n}"}}' for n in range(100)]
    asked = Message("assistant", "", (ToolCall("a", "orders"),))
    result = Message("tool", f"[{', '.join(rows)}]", tool_call_id="a")
    turns = talk(*chatter(6))
    turns += [Turn("x", asked, 9, 0.0), Turn("y", result, 1600, 0.0)]
    (found,) = [
        turn
        for turn in Recall().recall("Where is order R73?", turns, budget_tokens=300)
        if turn.id == "y"
    ]
    assert "shipped to hall 73" in found.message.content
    assert found.tokens <= 300
    assert len(found.message.content) < 1000
    assert found.message.tool_call_id == "a"


def test_nothing_matches() -> None:
    assert Recall().recall("zebra crossing", LONG_TALK, budget_tokens=500) == []
    assert Recall().recall("what is it", LONG_TALK, budget_tokens=500) == []
    assert Recall().recall("  ", LONG_TALK, budget_tokens=500) == []
    assert Recall().recall("number", [], budget_tokens=500) == []


def test_a_budget_must_hold_something() -> None:
    with pytest.raises(InputError, match="budget_tokens=0"):
        Recall().recall("number", LONG_TALK, budget_tokens=0)


WORDS = st.sampled_from(
    ["soup", "cake", "number", "train", "violin", "is", "the", "my", "\ud800", "42"]
)
TEXTS = st.lists(st.lists(WORDS, max_size=8).map(" ".join), max_size=12)


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.lists(WORDS, max_size=4).map(" ".join), st.integers(1, 60), st.booleans())
def test_the_budget_and_the_order_hold(
    said: list[str], query: str, budget: int, embedded: bool
) -> None:
    turns = talk(*said)
    recall = Recall(FakeEmbedder() if embedded else None)
    found = recall.recall(query, turns, budget_tokens=budget)
    places = [turns.index(turn) for turn in found]
    assert places == sorted(set(places))
    assert sum(turn.tokens for turn in found) <= budget
    assert found == recall.recall(query, turns, budget_tokens=budget)


def test_other_turns_of_the_same_length_are_another_conversation() -> None:
    recall = Recall()
    other = [replace(turn, id=f"o{turn.id}") for turn in talk(*chatter(81), "The number is 5.")]
    assert texts(recall.recall("number", LONG_TALK, budget_tokens=12)) == [NUMBER]
    assert texts(recall.recall("number", other, budget_tokens=12)) == ["The number is 5."]


def test_threads_share_one_recall() -> None:
    recall, found = Recall(FakeEmbedder()), []
    talks = [talk(*chatter(n), f"The secret number is {n}.", *chatter(n)) for n in range(10, 26)]

    def ask(n: int) -> None:
        turns = talks[n % len(talks)]
        found.append((n, texts(recall.recall("secret number", turns, budget_tokens=60))))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 64
    for n, said in found:
        assert f"The secret number is {10 + n % len(talks)}." in said
