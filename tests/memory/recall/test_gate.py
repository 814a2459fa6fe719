"""Questions about what is no longer shown pay for recall; small talk does not."""

import pytest

from ragthrift import Message
from ragthrift.memory.gate import asked_part, worth_recalling
from ragthrift.memory.recall import Recall
from ragthrift.memory.recalling import recalled_for
from ragthrift.memory.room import Room
from ragthrift.memory.segment import Segment
from ragthrift.memory.turn import turns_of
from ragthrift.memory.view import Cut, memory_messages
from ragthrift.tokens import EstimatedTokens

COUNTER = EstimatedTokens()

WINDOW = [
    Message("user", "Which soup is there today?"),
    Message("assistant", "Lentil soup for 4 euros, with bread."),
]


@pytest.mark.parametrize(
    "query",
    [
        "What was my customer number?",
        "Tell me the name of my sister's dog.",
        "Hi! Please book the same hotel for me.",
        "I'd like to change the flight to Seattle.",
        "Remember what I told you about the soup?",
        "You said the soup is without gluten.",
        "customer number",
        "Thanks. And who is my doctor?",
    ],
)
def test_worth_it(query: str) -> None:
    assert worth_recalling(query, WINDOW)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "   ",
        "Thanks!",
        "Haha, great!",
        "Good morning.",
        "How are you?",
        "What is in the lentil soup?",
        "How much is the bread?",
        "That was a wonderful evening, the stars were out and nobody wanted to go home.",
        "ok",
    ],
)
def test_not_worth_it(query: str) -> None:
    assert not worth_recalling(query, WINDOW)


def test_a_question_is_worth_it_once_the_window_has_moved_on() -> None:
    later = [Message("user", "The weather is fine."), Message("assistant", "Indeed.")]
    assert worth_recalling("What is in the lentil soup?", later)


def test_a_summary_names_what_it_leaves_out() -> None:
    turns = turns_of([Message("user", "My boat is called Sorrel."), *WINDOW], COUNTER, at=0.0)
    segment = Segment.of([turns[0].id], "About: boat", (), 4)
    asked = turns_of([Message("user", "How funny. What is the boat called?")], COUNTER, at=1.0)
    cut = Cut((segment,), (turns[0],), (*turns[1:], *asked))
    shown = [*memory_messages(cut, Room(), COUNTER), *WINDOW]
    found = recalled_for(cut, shown, Recall(), worth_recalling, max_tokens=100, counter=COUNTER)
    assert found == [turns[0]]


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("What a storm! What is my number? Bye.", "What is my number?"),
        ("Please book it. I am late.", "Please book it."),
        ("A storm, you know.", "A storm, you know."),
    ],
)
def test_what_a_message_asks(said: str, asked: str) -> None:
    assert asked_part(said) == asked
