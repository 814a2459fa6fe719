"""Questions about what is no longer shown pay for recall; small talk does not."""

import pytest

from ragthrift import Message
from ragthrift.memory.gate import worth_recalling

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
