import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from ragthrift import Passage
from ragthrift.protocols import Reranker
from ragthrift.testing import WordOverlapReranker
from tests.core.broken.rules import BrokenParts

Rank = Callable[[str, Sequence[Passage]], list[Passage]]


class FunctionReranker:
    def __init__(self, function: Rank) -> None:
        self._function = function

    def rank(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        return self._function(query, passages)


BROKEN: BrokenParts[Reranker, Rank] = BrokenParts(FunctionReranker)
well = WordOverlapReranker().rank


@BROKEN.breaking("test_nothing_to_rank_gives_an_empty_list")
def takes_the_best_of_nothing(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return [well(query, passages)[0], *well(query, passages)[1:]]


@BROKEN.breaking("test_nothing_to_rank_gives_an_empty_list")
def returns_none_for_nothing(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return well(query, passages) or cast(list[Passage], None)


@BROKEN.breaking("test_nothing_to_rank_gives_an_empty_list")
def fills_up_nothing(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return well(query, passages) or [Passage("nothing found", score=0.0)]


@BROKEN.breaking("test_one_passage_comes_back")
def scales_by_the_spread(query: str, passages: Sequence[Passage]) -> list[Passage]:
    ranked = well(query, passages)
    scores = [p.score or 0.0 for p in ranked]
    spread = [(score - min(scores)) / (max(scores) - min(scores)) for score in scores]
    return [p.with_score(score) for p, score in zip(ranked, spread, strict=True)]


@BROKEN.breaking("test_one_passage_comes_back")
def drops_the_worst(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return well(query, passages)[:-1]


@BROKEN.breaking("test_no_passage_is_invented")
def invents_a_passage(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return [*well(query, passages), Passage("a summary of all", score=-1.0)]


@BROKEN.breaking("test_no_passage_is_invented")
def repeats_the_best(query: str, passages: Sequence[Passage]) -> list[Passage]:
    ranked = well(query, passages)
    return ranked[:1] + ranked


@BROKEN.breaking("test_no_passage_is_invented")
def renames_passages(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return [replace(p, id=str(place)) for place, p in enumerate(well(query, passages))]


@BROKEN.breaking("test_no_passage_is_lost")
def drops_what_scores_nothing(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return [p for p in well(query, passages) if p.score]


@BROKEN.breaking("test_texts_and_metadata_stay_as_they_were")
def drops_metadata(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return [replace(p, metadata={}) for p in well(query, passages)]


@BROKEN.breaking("test_texts_and_metadata_stay_as_they_were")
def writes_the_rank_into_metadata(query: str, passages: Sequence[Passage]) -> list[Passage]:
    ranked = enumerate(well(query, passages))
    return [replace(p, metadata={**p.metadata, "rank": place}) for place, p in ranked]


@BROKEN.breaking("test_texts_and_metadata_stay_as_they_were")
def lowers_texts(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return [p.with_text(p.text.lower()) for p in well(query, passages)]


@BROKEN.breaking("test_scores_are_finite_floats")
def leaves_old_scores(query: str, passages: Sequence[Passage]) -> list[Passage]:
    given = {p.id: p for p in passages}
    return [given[p.id] for p in well(query, passages)]


@BROKEN.breaking("test_scores_are_finite_floats")
def scores_nan(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return [p.with_score(float("nan")) for p in well(query, passages)]


@BROKEN.breaking("test_scores_are_finite_floats")
def scores_numpy_numbers(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return [replace(p, score=np.float64(p.score or 0.0)) for p in well(query, passages)]


@BROKEN.breaking("test_scores_are_finite_floats")
def scores_ints(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return [replace(p, score=1) for p in well(query, passages)]


@BROKEN.breaking("test_best_come_first")
def puts_the_worst_first(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return well(query, passages)[::-1]


@BROKEN.breaking("test_equal_texts_keep_their_own_ids")
def finds_passages_by_text(query: str, passages: Sequence[Passage]) -> list[Passage]:
    by_text = {p.text: p for p in passages}
    return [by_text[p.text].with_score(p.score or 0.0) for p in well(query, passages)]


@BROKEN.breaking("test_equal_texts_keep_their_own_ids")
def finds_passages_by_id(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return list({p.id: p for p in well(query, passages)}.values())


@BROKEN.breaking("test_a_tuple_is_ranked_like_a_list")
def copies_a_list(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return well(query, cast(list[Passage], passages).copy())


@BROKEN.breaking("test_inputs_are_not_mutated")
def sorts_the_callers_list(query: str, passages: Sequence[Passage]) -> list[Passage]:
    if isinstance(passages, list):
        passages.sort(key=lambda p: p.id)
    return well(query, passages)


@BROKEN.breaking("test_inputs_are_not_mutated")
def writes_into_metadata(query: str, passages: Sequence[Passage]) -> list[Passage]:
    for passage in passages:
        cast(dict[str, object], passage.metadata)["seen"] = True
    return well(query, passages)


@BROKEN.breaking("test_same_input_same_result")
def shuffles(query: str, passages: Sequence[Passage]) -> list[Passage]:
    ranked = well(query, passages)
    return [p.with_score(random.random()) for p in ranked]


@BROKEN.breaking("test_odd_passages_are_ranked")
def encodes_texts(query: str, passages: Sequence[Passage]) -> list[Passage]:
    assert_utf8 = [p.text.encode() for p in passages]
    return well(query, passages)[: len(assert_utf8)]


@BROKEN.breaking("test_odd_passages_are_ranked")
def divides_by_length(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return [p.with_score((p.score or 0.0) / len(p.text)) for p in well(query, passages)]


@BROKEN.breaking("test_odd_passages_are_ranked")
def skips_long_passages(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return well(query, [p for p in passages if len(p.text) < 10_000])


@BROKEN.breaking("test_odd_queries_are_answered")
def needs_a_query(query: str, passages: Sequence[Passage]) -> list[Passage]:
    if not query.strip():
        raise ValueError("empty query")
    return well(query, passages)


@BROKEN.breaking("test_odd_queries_are_answered")
def gives_up_on_long_queries(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return well(query, passages) if len(query) < 10_000 else []


class KeepsTheQueryBetweenSteps:
    def rank(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        self._query = query
        time.sleep(0.005)
        return well(self._query, passages)


BROKEN.file("test_threads_get_their_own_results", KeepsTheQueryBetweenSteps)
