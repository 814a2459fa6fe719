"""What two questions differ in, and what forbids serving."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragthrift.cache.serving import Vetoes
from ragthrift.cache.serving.pairs import NAMES, differences, misspelt
from ragthrift.cache.serving.wording import wording


def found(asked: str, stored: str) -> set[str]:
    values = dict(zip(NAMES, differences(asked, stored), strict=True))
    return {name for name, value in values.items() if value and name not in {"covered", "same"}}


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("within 2 weeks", ("time", 14)),
        ("within fourteen days", ("time", 14)),
        ("a 2kg parcel", ("mass", 2)),
        ("a two kilo parcel", ("mass", 2)),
        ("pay £1,500 now", ("gbp", 1500)),
        ("pay fifty pounds", ("gbp", 50)),
        ("a 2-year deal", ("time", 730)),
        ("room 12", ("", 12)),
    ],
)
def test_quantities_are_in_one_unit(text: str, quantity: tuple[str, float]) -> None:
    assert wording(text).quantities == {quantity}


@pytest.mark.parametrize(
    ("asked", "stored", "difference"),
    [
        ("Is the hall open in May 2024?", "Is the hall open in May 2025?", "numbers"),
        ("Which shares can fall?", "Which shares can't fall?", "negation"),
        ("What is the highest point?", "What is the lowest point?", "opposites"),
        ("How do I lock my screen?", "How do I unlock my screen?", "opposites"),
        ("Is there a train to Perth?", "Is there a train to Leeds?", "names"),
        ("Can I bring my dog?", "Can my brother bring my dog?", "audience"),
        ("flights from Rome to Oslo", "flights from Oslo to Rome", "order"),
        ("Does release 1.2.3 run here?", "Does release 1.2.4 run here?", "identifiers"),
        ("Is it shut on Monday?", "Is it shut on Friday?", "calendar"),
        ("Is the soup vegan?", "Is the stew vegan?", "slot"),
        ("Where is the lift?", "Where is the goods lift?", "inserted"),
        ("When did she write it?", "Why did she write it?", "kind"),
        ("Is there a pool?", "Is there a pool in the garden behind the hotel?", "length"),
    ],
)
def test_a_difference_has_a_name(asked: str, stored: str, difference: str) -> None:
    assert difference in found(asked, stored)


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("where is the libary?", "Where is the library?"),
        ("Sorry to bother you, but where is the library? Thanks!", "Where is the library?"),
        ("What does a ticket cost?", "What is the price of a ticket?"),
        ("WHERE IS THE LIBRARY", "Where is the library?"),
    ],
)
def test_another_spelling_is_no_other_topic(asked: str, stored: str) -> None:
    assert not found(asked, stored) - {"length", "kind"}


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_has_differences_between_0_and_1(asked: str, stored: str) -> None:
    assert all(0 <= value <= 1 for value in differences(asked, stored))
    assert differences(asked, asked)[NAMES.index("covered")] == 1


@given(st.text(alphabet="abcd", min_size=5, max_size=8), st.integers(0, 3))
def test_swapped_neighbours_are_a_misspelling(word: str, at: int) -> None:
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    assert misspelt(word, swapped)


@pytest.mark.parametrize(
    ("asked", "stored", "off"),
    [
        ("Can I leave after 3 days?", "Can I leave after 5 days?", Vetoes(numbers=False)),
        ("Is the gate open?", "Is the gate closed?", Vetoes(negation=False)),
        ("Can you eat it raw?", "Can't you eat it raw?", Vetoes(negation=False)),
        ("a bus from Bath to Wells", "a bus from Wells to Bath", Vetoes(order=False)),
    ],
)
def test_each_veto_can_be_turned_off(asked: str, stored: str, off: Vetoes) -> None:
    assert Vetoes().against(asked, stored)
    assert off.against(asked, stored) is None


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("Can I leave within 2 weeks?", "Can I leave within 14 days?"),
        ("I can't log in", "I cannot log in"),
        ("a bus from Bath to Wells", "a bus to Wells from Bath"),
        ("my parcel has not come, where is it", "I am waiting for my parcel"),
    ],
)
def test_the_same_said_otherwise_is_not_forbidden(asked: str, stored: str) -> None:
    assert Vetoes().against(asked, stored) is None
