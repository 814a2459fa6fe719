"""Metrics of rankings, against trec_eval."""

import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytrec_eval import RelevanceEvaluator

from ragthrift import InputError
from ragthrift_bench.ranking import ndcg, recall_at_k, reciprocal_rank

DEPTHS = (1, 3, 5, 10, 20)

Query = tuple[list[str], dict[str, int]]

names = st.lists(st.sampled_from("abcdefgh"), unique=True)
judged = st.dictionaries(st.sampled_from("abcdefghij"), st.integers(-1, 3))


def random_queries(count: int = 1000) -> list[Query]:
    """Ranked ids and grades: some ids are not judged, some judged ids are not found."""
    chance = random.Random(11)
    documents = [f"d{number}" for number in range(40)]
    return [
        (
            chance.sample(documents, chance.randint(1, 25)),
            {
                name: chance.choice([-1, 0, 0, 1, 1, 2, 3])
                for name in chance.sample(documents, chance.randint(1, 30))
            },
        )
        for _ in range(count)
    ]


def by_trec_eval(queries: list[Query]) -> list[Mapping[str, float]]:
    depths = ",".join(map(str, DEPTHS))
    evaluator = RelevanceEvaluator(
        {str(number): grades for number, (_, grades) in enumerate(queries)},
        {f"ndcg_cut.{depths}", f"recall.{depths}", "recip_rank"},
    )
    run = {
        str(number): {name: float(-rank) for rank, name in enumerate(ranked)}
        for number, (ranked, _) in enumerate(queries)
    }
    found = evaluator.evaluate(run)
    return [found[str(number)] for number in range(len(queries))]


def test_everything_is_as_by_trec_eval() -> None:
    queries = random_queries()
    for (ranked, grades), theirs in zip(queries, by_trec_eval(queries), strict=True):
        assert reciprocal_rank(ranked, grades) == pytest.approx(theirs["recip_rank"])
        for k in DEPTHS:
            assert ndcg(ranked, grades, k) == pytest.approx(theirs[f"ndcg_cut_{k}"])
            assert recall_at_k(ranked, grades, k) == pytest.approx(theirs[f"recall_{k}"])


def test_the_random_queries_hold_every_difficulty() -> None:
    queries = random_queries()
    assert any(not set(ranked) & set(grades) for ranked, grades in queries)
    assert any(max(grades.values()) <= 0 for _, grades in queries)
    assert any(min(grades.values()) < 0 for _, grades in queries)


@given(names, judged)
def test_the_ideal_order_is_best(ranked: list[str], grades: dict[str, int]) -> None:
    ideal = sorted(grades, key=lambda name: grades[name], reverse=True)
    relevant = any(grade > 0 for grade in grades.values())
    assert ndcg(ideal, grades) == pytest.approx(float(relevant))
    assert reciprocal_rank(ideal, grades) == float(relevant)
    assert ndcg(ranked, grades) <= ndcg(ideal, grades) + 1e-12


@given(names, judged, st.integers(1, 10))
def test_recall_grows_with_depth(ranked: list[str], grades: dict[str, int], k: int) -> None:
    assert 0 <= recall_at_k(ranked, grades, k) <= recall_at_k(ranked, grades, k + 1) <= 1


@pytest.mark.parametrize("metric", [ndcg, recall_at_k, reciprocal_rank])
def test_nothing_found_and_nothing_judged_is_0(metric) -> None:  # type: ignore[no-untyped-def]
    assert metric([], {"a": 1}) == metric(["a"], {}) == metric([], {}) == 0


@pytest.mark.parametrize("metric", [ndcg, recall_at_k])
def test_a_depth_below_1_is_an_error(metric) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="k=0"):
        metric(["a"], {"a": 1}, k=0)
