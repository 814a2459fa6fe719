from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragthrift import Budget, InputError, Passage
from ragthrift.rerank import Keep
from ragthrift.tokens import EstimatedTokens

WORDS = EstimatedTokens(chars_per_token=1)


def scored(*scores: float) -> list[Passage]:
    return [Passage("x" * 10, id=str(at), score=score) for at, score in enumerate(scores)]


def ids(passages: Sequence[Passage]) -> list[str]:
    return [passage.id for passage in passages]


def test_no_limit_keeps_everything() -> None:
    assert ids(Keep().select(scored(0.9, 0.5, 0.1), WORDS).kept) == ["0", "1", "2"]


def test_top_k_drops_the_rest_and_says_so() -> None:
    ranking = Keep(top_k=2).select(scored(0.9, 0.5, 0.1), WORDS)
    assert ids(ranking.kept) == ["0", "1"]
    (drop,) = ranking.dropped
    assert (drop.passage.id, drop.limit, drop.reason) == ("2", "top_k", "beyond the best 2")


def test_min_score_drops_what_scores_below() -> None:
    ranking = Keep(min_score=0.4).select(scored(0.9, 0.4, 0.39), WORDS)
    assert ids(ranking.kept) == ["0", "1"]
    assert "0.390 is below 0.4" in ranking.dropped[0].reason


def test_min_score_keeps_the_best_unless_asked_for_nothing() -> None:
    assert ids(Keep(min_score=0.5).select(scored(0.2, 0.1), WORDS).kept) == ["0"]
    assert Keep(min_score=0.5, at_least=0).select(scored(0.2, 0.1), WORDS).kept == ()


def test_min_gap_cuts_at_the_largest_drop() -> None:
    assert ids(Keep(min_gap=0).select(scored(0.9, 0.85, 0.3, 0.2), WORDS).kept) == ["0", "1"]


def test_min_gap_leaves_an_even_slope_alone() -> None:
    passages = scored(0.9, 0.7, 0.5, 0.3, 0.1)
    assert len(Keep(min_gap=0.5).select(passages, WORDS).kept) == 5


def test_min_gap_respects_at_least() -> None:
    ranking = Keep(min_gap=0, at_least=2).select(scored(0.9, 0.1, 0.09, 0.01), WORDS)
    assert len(ranking.kept) >= 2


def test_equal_scores_have_no_gap() -> None:
    assert len(Keep(min_gap=0).select(scored(0.5, 0.5, 0.5), WORDS).kept) == 3


def test_budget_passes_over_what_does_not_fit_and_goes_on() -> None:
    passages = [
        Passage("x" * 6, id="a", score=0.9),
        Passage("x" * 9, id="b", score=0.8),
        Passage("x" * 4, id="c", score=0.7),
    ]
    ranking = Keep(budget=Budget(10)).select(passages, WORDS)
    assert ids(ranking.kept) == ["a", "c"]
    assert ranking.dropped[0].reason == "9 tokens do not fit in the 4 left"


def test_budget_keeps_the_best_passage_even_if_it_is_too_long() -> None:
    assert ids(Keep(budget=Budget(5)).select(scored(0.9, 0.8), WORDS).kept) == ["0"]


def test_near_identical_passages_are_dropped_after_the_better_one() -> None:
    text = "The reactor was shut down in May after a leak was found by the night shift."
    passages = [
        Passage(text, id="best", score=0.9),
        Passage("Something else entirely, about the canteen and its opening hours.", id="other"),
        Passage(text.replace("night", "early"), id="near", score=0.7),
    ]
    ranking = Keep(max_similarity=0.6).select(passages, WORDS)
    assert ids(ranking.kept) == ["best", "other"]
    assert "alike to the better passage best" in ranking.dropped[0].reason


@pytest.mark.parametrize(
    "texts", [("好的天气今天很好", "坏的消息明天再说"), ("!!!", "?"), ("a", "b")]
)
def test_short_or_unspaced_texts_that_differ_are_not_duplicates(texts: tuple[str, str]) -> None:
    passages = [Passage(text, score=0.5) for text in texts]
    assert len(Keep(max_similarity=0.5).select(passages, WORDS).kept) == 2


def test_the_same_passage_twice_counts_twice() -> None:
    passage = Passage("once", score=0.5)
    ranking = Keep(top_k=1).select([passage, passage], WORDS)
    assert ranking.kept == (passage,)
    assert [drop.passage for drop in ranking.dropped] == [passage]


@pytest.mark.parametrize(
    "wrong",
    [{"top_k": 0}, {"min_gap": 1.5}, {"max_similarity": -0.1}, {"at_least": -1}],
)
def test_limits_that_cannot_work_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        Keep(**wrong)  # type: ignore[arg-type]


@given(
    texts=st.lists(st.text(max_size=40), max_size=12),
    keep=st.builds(
        Keep,
        max_similarity=st.none() | st.floats(0, 1),
        min_score=st.none() | st.floats(0, 1),
        min_gap=st.none() | st.floats(0, 1),
        top_k=st.none() | st.integers(1, 5),
        budget=st.none() | st.builds(Budget, st.integers(1, 60)),
        at_least=st.integers(0, 3),
    ),
    data=st.data(),
)
def test_every_passage_is_kept_or_dropped_once(
    texts: list[str], keep: Keep, data: st.DataObject
) -> None:
    scores = sorted((data.draw(st.floats(0, 1)) for _ in texts), reverse=True)
    passages = [
        Passage(text, id=str(at), score=score)
        for at, (text, score) in enumerate(zip(texts, scores, strict=True))
    ]
    ranking = keep.select(passages, WORDS)
    both = ids(ranking.kept) + ids([drop.passage for drop in ranking.dropped])
    assert sorted(both, key=int) == ids(passages)
    if keep.max_similarity is None:
        floor = min(keep.at_least, len(passages), keep.top_k or len(passages))
        assert len(ranking.kept) >= floor
