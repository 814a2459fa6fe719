"""What must stay known does, without a model."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragthrift import InputError, Message
from ragthrift.memory.acceptance import accepted
from ragthrift.memory.extractive import ExtractiveSummariser
from ragthrift.memory.recall import Recall
from ragthrift.memory.segment import Fact, live
from ragthrift.memory.telling import Telling, tellings
from ragthrift.memory.turn import Turn
from tests.memory.recall.talks import COUNTER, chatter, talk, texts

FIRST = "Hi, customer id 4711, allergic to peanuts."


def facts_of(*said: str, known: tuple[Fact, ...] = ()) -> tuple[Fact, ...]:
    """What is known after the user said one thing after the other, one summary each."""
    for n, text in enumerate(said):
        turns = [Turn(f"{len(known)}/{n}", Message("user", text), 9, 0.0)]
        known += (
            ExtractiveSummariser().summarise(turns, before="", max_tokens=50, facts=known).facts
        )
    return tuple(live(known))


def known_texts(*said: str) -> list[str]:
    return [fact.text for fact in facts_of(*said)]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (FIRST, ["customer id 4711", "allergic to peanuts"]),
        ("Sure, my user ID is mia_li_3668.", ["my user ID is mia_li_3668"]),
        ("The reservation ID is OWZQNK, thanks!", ["The reservation ID is OWZQNK"]),
        ("Write to ann.lee@example.org", ["Write to ann.lee@example.org"]),
        ("Call +49 170 1234567 any time.", ["Call +49 170 1234567 any time"]),
        ("My name is Ann and I live in Bonn.", ["My name is Ann", "I live in Bonn"]),
        ("My sister is allergic to nuts, eggs, and milk.",
         ["My sister is allergic to nuts, eggs, and milk"]),
        ("I\u2019m vegan, so no cheese for me.", ["I'm vegan, so no cheese for me"]),
        ("Please always answer in German.", ["Please always answer in German"]),
        ("My budget is 500 euros. I need it by Friday!",
         ["My budget is 500 euros", "I need it by Friday"]),
        ("I'd rather sit at the window.", ["I'd rather sit at the window"]),
    ],
)  # fmt: skip
def test_it_stays_known(said: str, kept: list[str]) -> None:
    assert known_texts(said) == kept


@pytest.mark.parametrize(
    "said",
    [
        "What is my customer id?",
        "That must have been awesome, never give up!",
        "I waited for 20 minutes in room 5 minutes from here.",
        "My dog is so cute.",
        "We had a lovely day at the lake.",
        "",
    ],
)
def test_what_need_not_stay_known(said: str) -> None:
    assert known_texts(said) == []


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (("My customer id is 4711.", "My customer number is 4712 now."),
         ["My customer number is 4712 now"]),
        (("I live in Bonn.", "I moved to Kiel.", "I live in Bonn."), ["I live in Bonn"]),
        (("I am allergic to nuts.", "I am no longer allergic to nuts."),
         ["I am no longer allergic to nuts"]),
        (("I am allergic to nuts.", "I am allergic to milk."),
         ["I am allergic to nuts", "I am allergic to milk"]),
        (("My order 1017 is late.", "My order 1018 is late."),
         ["My order 1017 is late", "My order 1018 is late"]),
        (("My budget is 500 euros.", "My budget is now 700 euros."),
         ["My budget is now 700 euros"]),
        (("My budget for trains is 500.", "My budget for hotels is 700."),
         ["My budget for trains is 500", "My budget for hotels is 700"]),
        (("My customer id is 4711.", "My wife's customer id is 4712."),
         ["My customer id is 4711", "My wife's customer id is 4712"]),
        (("My email is a@b.org.", "My boss is c@d.org.", "My email is e@f.org."),
         ["My boss is c@d.org", "My email is e@f.org"]),
        (("I work as a nurse.", "I work at the hospital."),
         ["I work as a nurse", "I work at the hospital"]),
        (("My customer id is 4711.", "My customer id is 4711."), ["My customer id is 4711"]),
        (("My favourite colour is red.", "My favourite soup is lentil.",
          "My favourite colour is blue."),
         ["My favourite soup is lentil", "My favourite colour is blue"]),
    ],
)  # fmt: skip
def test_the_newest_holds_where_two_cannot(said: tuple[str, ...], kept: list[str]) -> None:
    assert known_texts(*said) == kept


def test_a_correction_of_a_correction_in_one_summary_reaches_the_oldest() -> None:
    (old,) = facts_of("I live in Bonn.")
    turns = talk("I moved to Kiel.", "Oh!", "Sorry, I moved to Trier.", "I see.")
    new = ExtractiveSummariser().summarise(turns, before="", max_tokens=50, facts=[old]).facts
    assert [fact.text for fact in live([old, *new])] == ["I moved to Trier"]


def test_only_the_user_tells_facts_of_the_user() -> None:
    turns = talk("Hello!", "My customer id is 99.")
    assert ExtractiveSummariser().summarise(turns, before="", max_tokens=50).facts == ()


def test_what_is_worst_to_forget_is_kept_where_room_is_short() -> None:
    said = "I prefer tea. My customer id is 4711. I prefer trains. I am allergic to nuts."
    summary = ExtractiveSummariser(max_facts=2).summarise(talk(said), before="", max_tokens=50)
    assert [fact.text for fact in summary.facts] == [
        "My customer id is 4711",
        "I am allergic to nuts",
    ]


def test_it_is_still_answerable_after_300_turns_and_twelve_compactions() -> None:
    turns = talk("Hello!", "Welcome!", FIRST, "Noted.", *chatter(296))
    known: tuple[Fact, ...] = ()
    summariser = ExtractiveSummariser(counter=COUNTER)
    before = ""
    for start in range(0, 300, 25):
        part = turns[start : start + 25]
        summary = summariser.summarise(part, before=before, max_tokens=60, facts=live(known))
        accepted(summary, max_tokens=60, counter=COUNTER)
        before += summary.text
        known += summary.facts
    pinned = [fact.text for fact in live(known)]
    assert pinned == ["customer id 4711", "allergic to peanuts"]
    for question in ("What is my customer id?", "Am I allergic to anything?"):
        found = Recall().recall(question, turns, budget_tokens=100, facts=known)
        assert FIRST in texts(found)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=8), st.integers(4, 80))
def test_any_text_gives_a_summary_that_is_accepted(said: list[str], max_tokens: int) -> None:
    turns = talk(*said)
    summary = ExtractiveSummariser(counter=COUNTER).summarise(
        turns, before="", max_tokens=max_tokens
    )
    assert accepted(summary, max_tokens=max_tokens, counter=COUNTER).text
    assert {i for fact in summary.facts for i in fact.turn_ids} <= {turn.id for turn in turns}


def test_topics_are_not_named_twice() -> None:
    turns = talk("The violin is old.", "A violin from Cremona?", "Yes, from Cremona.")
    first = ExtractiveSummariser().summarise(turns, before="", max_tokens=30)
    second = ExtractiveSummariser().summarise(turns, before=first.text, max_tokens=30)
    assert "violin" in first.text
    assert "violin" not in second.text


def test_limits_that_cannot_work_are_refused() -> None:
    with pytest.raises(InputError, match="max_facts"):
        ExtractiveSummariser(max_facts=-1)
    with pytest.raises(InputError, match="max_tokens"):
        ExtractiveSummariser().summarise([], before="", max_tokens=0)


@pytest.mark.parametrize(
    "text", ["A1b2" * 50_000, "- " * 50_000, ", and " * 20_000, "my " * 50_000]
)
def test_long_texts_that_are_no_talk_are_read(text: str) -> None:
    assert list(tellings(f"{text}\nMy customer id is 4711.")) == [Telling("My customer id is 4711")]
