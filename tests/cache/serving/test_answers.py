"""Whether two answers say the same, and whether a question stands alone."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ragthrift.cache.serving import answers_agree, is_bare, is_standalone


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ("We open at 9 on Mondays.", "On Mondays we open at 9!", True),
        ("We open at 9.", "We open at 10.", False),
        ("Refunds take 14 days.", "A refund takes two weeks.", True),
        ("Dogs are allowed inside.", "Dogs are not allowed inside.", False),
        ("The lake is open.", "The lake is closed.", False),
        ("Ask Anna at the desk.", "Ask Peter at the desk.", False),
        ("Yes.", "yes", True),
        ("Yes.", "No.", False),
        ("42", "43", False),
        ("", "", True),
        ("Paint the fence green.", "Bake bread slowly overnight.", False),
        ("Ask the desk for a spare key card.", "Reception hands out a new card.", None),
    ],
)
def test_words_settle_what_they_can(a: str, b: str, verdict: bool | None) -> None:
    assert answers_agree(a, b) is verdict
    assert answers_agree(b, a) is verdict


@pytest.mark.parametrize(("cosine", "verdict"), [(0.95, True), (0.6, None), (0.1, False)])
def test_vectors_settle_the_rest(cosine: float, verdict: bool | None) -> None:
    def embed(texts: object) -> NDArray[np.float32]:
        return np.array([[1, 0], [cosine, (1 - cosine**2) ** 0.5]], dtype=np.float32)

    a, b = "Ask the desk for a spare key card.", "Reception hands out a new card."
    assert answers_agree(a, b, embed) is verdict


def test_vectors_do_not_overrule_numbers() -> None:
    def embed(texts: object) -> NDArray[np.float32]:
        return np.array([[1, 0], [1, 0]], dtype=np.float32)

    assert answers_agree("It costs 5 euros.", "It costs 6 euros.", embed) is False


def test_long_answers_are_compared_too() -> None:
    text = " ".join(f"word{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(500))
    assert answers_agree(text, text + " extra") is True
    assert answers_agree(text, text.replace("word", "other")) is False


@pytest.mark.parametrize(
    "question",
    [
        "What are the opening hours of the Leeds branch?",
        "Do you sell gift cards?",
        "How do I report a broken street lamp to the council?",
        "Is there a direct train from Bath to London?",
    ],
)
def test_a_question_that_names_its_subject_stands_alone(question: str) -> None:
    assert is_standalone(question)
    assert not is_bare(question)


@pytest.mark.parametrize(
    "question",
    ["cancel it", "and for two people?", "how much is that?", "what about Leeds?", "why?", "",
     "ok so when does it arrive?", "can I change it to Friday?", "how long will it take?"],
)  # fmt: skip
def test_a_question_that_points_back_does_not(question: str) -> None:
    assert not is_standalone(question)


@pytest.mark.parametrize("turn", ["yes", "Yes please!", "go ahead", "the second one", "book it"])
def test_an_answer_to_the_assistant_is_bare(turn: str) -> None:
    assert is_bare(turn)
    assert not is_standalone(turn)
