"""Equal and nearly equal questions, found without their texts."""

import random
import statistics
import time
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragthrift.errors import InputError
from ragthrift.ledger import near, near_duplicates, signature

WORDS = (  # noqa: SIM905 - longer as a list
    "when where which canteen library parcel invoice refund holiday contract printer badge lift "
    "open close order cancel renew report monday friday morning evening building north south "
    "first second floor office garden kitchen window manager visitor student teacher doctor"
).split()


def shingles(text: str) -> set[str]:
    return {text[n : n + 4] for n in range(len(text) - 3)}


def test_what_does_not_count() -> None:
    plain = signature("When does the caf\u00e9 open?")
    for same in (
        "  when does THE caf\u00e9   open ",
        unicodedata.normalize("NFD", "When does the caf\u00e9 open?!"),
        "When does the caf\u00e9 open\u2026",
    ):
        assert signature(same) == plain
    for other in ("When does the caf\u00e9 close?", "When does the cafe open?", "Where is C++?"):
        assert signature(other) != plain
    assert signature("What is C?") != signature("What is C++?")
    assert signature("?") != signature("!")


@given(st.text())
def test_any_question_has_one(question: str) -> None:
    made = signature(question)
    assert len(made) in (0, 52)
    assert made.isascii()
    assert near(made, made) == (1.0 if made else 0.0)


def test_nearness_estimates_the_shingles_in_common() -> None:
    rng = random.Random(3)
    errors = []
    for _ in range(400):
        first = rng.choices(WORDS, k=9)
        changed = rng.randrange(7)
        second = first[: 9 - changed] + rng.choices(WORDS, k=changed)
        one, two = (f" {' '.join(words)} " for words in (first, second))
        true = len(shingles(one) & shingles(two)) / len(shingles(one) | shingles(two))
        errors.append(near(signature(one), signature(two)) - true)
    assert abs(statistics.mean(errors)) < 0.02
    assert statistics.stdev(errors) < 0.09


def test_what_it_finds_and_what_it_does_not() -> None:
    asked = signature("How do I cancel the order for my new printer?")
    assert near(asked, signature("how do i cancel an order for my new printers")) > 0.6
    assert near(asked, signature("I no longer want the device that I bought.")) < 0.2
    monday, sunday = (signature(f"Is the north library open on {d}?") for d in ("Monday", "Sunday"))
    assert near(monday, sunday) > 0.6  # so that nothing may be answered by it


def test_groups_of_variants_are_found() -> None:
    rng = random.Random(5)
    questions = [" ".join(rng.choices(WORDS, k=10)) for _ in range(300)]
    asked = []
    for _ in range(3000):
        number = rng.randrange(300)
        words = questions[number].split()
        words.insert(rng.randrange(11), rng.choice(["please", "the", "now"]))
        asked.append((number, signature(" ".join(words))))
    groups = near_duplicates([made for _, made in asked]).tolist()
    truth: dict[int, list[int]] = {}
    for (number, _), group in zip(asked, groups, strict=True):
        truth.setdefault(number, []).append(group)
    largest = sum(max(map(found.count, set(found))) for found in truth.values())
    assert largest / len(asked) > 0.95
    pure = {
        group: {n for (n, _), g in zip(asked, groups, strict=True) if g == group}
        for group in set(groups)
    }
    assert sum(len(numbers) > 1 for numbers in pure.values()) <= 3


def test_a_group_is_named_by_its_first() -> None:
    made = [
        signature(text) for text in ("Who won?", "", "When is lunch?", "who won", "", "Who won")
    ]
    assert near_duplicates(made).tolist() == [0, 1, 2, 0, 4, 0]
    assert near_duplicates([]).tolist() == []
    assert near_duplicates(["", ""]).tolist() == [0, 1]


def test_very_many_that_meet_cost_little() -> None:
    """All of a template meet in most bands: pairs of them are too many to be looked at."""
    made = [signature(f"What is the price of the article number {n}?") for n in range(4000)]
    started = time.perf_counter()
    groups = near_duplicates(made, min_similarity=0.6)
    assert time.perf_counter() - started < 20
    _, sizes = np.unique(groups, return_counts=True)
    assert sizes.max() > 3000


@pytest.mark.parametrize("wrong", [0.0, 1.5])
def test_what_cannot_be(wrong: float) -> None:
    with pytest.raises(InputError, match="min_similarity"):
        near_duplicates([signature("a")], min_similarity=wrong)
    with pytest.raises(InputError, match="52 characters"):
        near_duplicates(["abc"])
