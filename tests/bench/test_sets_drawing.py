"""Which questions are drawn, and among what a gold passage is hidden."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragthrift import InputError, Passage
from ragthrift_bench.sets.distractors import Pool
from ragthrift_bench.sets.sampling import draw

YEARS = [
    Passage(f"{name} won the prize in {year}.", id=str(year))
    for year, name in enumerate(["Ann", "Bob", "Cem", "Dee", "Eva", "Fay", "Gus", "Hal"], 1901)
]
QUESTION = "Who won the prize in 1903?"
CEM = YEARS[2]


@given(st.integers(0, 50), st.integers(1, 60), st.integers(1, 60), st.integers())
def test_a_larger_limit_adds_to_a_smaller_one(n: int, limit: int, more: int, seed: int) -> None:
    drawn = draw(range(n), limit, seed)
    assert drawn == sorted(drawn)
    assert len(drawn) == min(n, limit)
    assert set(drawn) <= set(draw(range(n), limit + more, seed))


def test_without_a_limit_all_are_asked_in_order() -> None:
    assert draw("abc", None, 0) == draw("abc", 3, 0) == draw("abc", 9, 0) == ["a", "b", "c"]


def test_the_seed_decides_which_are_drawn() -> None:
    drawn = {tuple(draw(range(100), 5, seed)) for seed in range(20)}
    assert len(drawn) == 20


def test_every_item_is_drawn_about_as_often() -> None:
    counts = [0] * 10
    for seed in range(2000):
        for item in draw(range(10), 3, seed):
            counts[item] += 1
    assert all(520 < count < 680 for count in counts)  # 600 expected, 4 standard deviations


def test_a_limit_below_1_is_an_error() -> None:
    with pytest.raises(InputError, match="limit=0"):
        draw("abc", 0, 0)


@pytest.mark.parametrize("passages", [1, 2, 5, 8])
def test_the_gold_passage_is_among_as_many_as_were_asked_for(passages: int) -> None:
    found = Pool(YEARS).hide(CEM, QUESTION, ["Cem"], passages=passages)
    assert len(found) == len(set(found)) == passages
    assert CEM in found


def test_a_small_pool_gives_what_it_has() -> None:
    assert len(Pool(YEARS[:3]).hide(CEM, QUESTION, ["Cem"], passages=10)) == 3


def test_a_distractor_holds_no_answer() -> None:
    pool = Pool([*YEARS, Passage("The prize of 1903 went to Cem, who won.", id="other")])
    assert "other" in {p.id for p in pool.hide(CEM, QUESTION, ["nobody"], passages=20)}
    assert "other" not in {p.id for p in pool.hide(CEM, QUESTION, ["cem"], passages=20)}


def test_distractors_are_those_that_bm25_finds_best() -> None:
    near = Passage("In 1903 nobody else won the prize.", id="near")
    far = Passage("Cats purr.", id="far")
    found = Pool([far, *YEARS[:3], near]).hide(CEM, QUESTION, ["Cem"], passages=2)
    assert {p.id for p in found} == {"1903", "near"}


def test_the_same_text_under_another_id_is_no_distractor() -> None:
    twin = Passage(CEM.text, id="twin")
    for pool in (Pool([twin, *YEARS]), Pool([*YEARS, twin])):
        found = pool.hide(CEM, QUESTION, ["nobody"], passages=20)
        assert [p.id for p in found if p.text == CEM.text] == ["1903"]


def test_the_gold_passage_stands_anywhere() -> None:
    pool = Pool(YEARS)
    places = [pool.hide(CEM, QUESTION, ["Cem"], passages=4, seed=s).index(CEM) for s in range(400)]
    assert all(70 < places.count(place) < 130 for place in range(4))  # 100 expected


def test_places_depend_on_the_question_too() -> None:
    pool = Pool(YEARS)
    places = {
        pool.hide(CEM, f"Who won in {year}?", ["x"], passages=8).index(CEM) for year in range(99)
    }
    assert places == set(range(8))


def test_no_passage_at_all_is_an_error() -> None:
    with pytest.raises(InputError, match="passages=0"):
        Pool(YEARS).hide(CEM, QUESTION, ["Cem"], passages=0)
