"""What every reranker promises."""

import math
from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace

from ragthrift.protocols import Reranker
from ragthrift.testing.checks import from_threads, no_error
from ragthrift.testing.samples import ODD_TEXTS, PASSAGES, QUERY
from ragthrift.types import Passage


class RerankerContract:
    """Subclass it under a name that pytest collects, and say in `make` how to make yours.

    `make` is called by every test, so keep a model that loads slowly in a cache of your own.

    >>> class TestMine(RerankerContract):
    ...     def make(self) -> Reranker:
    ...         return MyReranker()
    """

    ordered_by_score = True
    """Set it to False for a reranker that returns another order, such as best first and last."""
    keeps_all = True
    """Set it to False for a reranker that drops passages by design."""
    score_tolerance = 1e-5
    """How far a score may move between calls with the same input."""
    query: str = QUERY
    passages: Sequence[Passage] = PASSAGES

    def make(self) -> Reranker:
        """Make the reranker to test."""
        raise NotImplementedError("return the reranker to test from make()")

    def _rank(self, passages: Sequence[Passage] | None = None) -> list[Passage]:
        return self.make().rank(self.query, list(self.passages if passages is None else passages))

    def _assert_same(self, first: Sequence[Passage], second: Sequence[Passage], when: str) -> None:
        assert _ids(first) == _ids(second), f"another order {when}: {_ids(first)}, {_ids(second)}"
        for one, other in zip(first, second, strict=True):
            close = math.isclose(
                one.score or 0.0, other.score or 0.0, abs_tol=self.score_tolerance, rel_tol=0.0
            )
            assert close, f"another score {when}: {one.id} has {one.score} and {other.score}"

    def test_nothing_to_rank_gives_an_empty_list(self) -> None:
        """Retrieval finds nothing now and then, and that is no error."""
        with no_error("ranking no passages"):
            ranked = self._rank([])
        assert isinstance(ranked, list), f"rank must return a list, not {type(ranked).__name__}"
        assert not ranked, f"there was nothing to rank, yet these came back: {_ids(ranked)}"

    def test_one_passage_comes_back(self) -> None:
        """Scaling by the spread of scores divides by zero when there is only one."""
        with no_error("ranking one passage"):
            ranked = self._rank(self.passages[:1])
        if self.keeps_all or ranked:
            assert _ids(ranked) == _ids(self.passages[:1]), f"one passage became {_ids(ranked)}"

    def test_no_passage_is_invented(self) -> None:
        """Every passage comes back at most as often as it was given."""
        strangers = Counter(_ids(self._rank())) - Counter(_ids(self.passages))
        assert not strangers, f"passages that were not given, or not so often: {dict(strangers)}"

    def test_no_passage_is_lost(self) -> None:
        """Unless the reranker drops passages by design: then set `keeps_all = False`."""
        if self.keeps_all:
            lost = Counter(_ids(self.passages)) - Counter(_ids(self._rank()))
            assert not lost, f"lost {sorted(lost)}; if that is by design, set keeps_all = False"

    def test_texts_and_metadata_stay_as_they_were(self) -> None:
        """Citations are built from them."""
        given = {passage.id: passage for passage in self.passages}
        for passage in self._rank():
            before = given.get(passage.id)
            if before is not None:
                assert passage.text == before.text, f"the text of {passage.id} was changed"
                assert passage.metadata == before.metadata, (
                    f"metadata of {passage.id} became {passage.metadata}; use Passage.with_score"
                )

    def test_scores_are_finite_floats(self) -> None:
        """A NaN sorts anywhere, and JSON has no words for it nor for NumPy's numbers."""
        for passage in self._rank():
            score = passage.score
            assert type(score) is float, (
                f"the score of {passage.id} is a {type(score).__name__}; use Passage.with_score"
            )
            assert math.isfinite(score), f"the score of {passage.id} is {score}"

    def test_best_come_first(self) -> None:
        """Unless another order is the point: then set `ordered_by_score = False`."""
        if self.ordered_by_score:
            scores = [passage.score or 0.0 for passage in self._rank()]
            assert scores == sorted(scores, reverse=True), f"scores do not fall: {scores}"

    def test_equal_texts_keep_their_own_ids(self) -> None:
        """The same chunk is often indexed twice, under two ids or under one."""
        first = self.passages[0]
        twins = [replace(first, id="twin-1"), replace(first, id="twin-2"), first, first]
        ranked = Counter(_ids(self._rank(twins)))
        assert not ranked - Counter(_ids(twins)), f"more came back than went in: {dict(ranked)}"
        if self.keeps_all:
            assert ranked == Counter(_ids(twins)), f"twins were lost, only {dict(ranked)} are left"

    def test_a_tuple_is_ranked_like_a_list(self) -> None:
        """Pipelines hand tuples on."""
        with no_error("ranking a tuple of passages"):
            ranked = self.make().rank(self.query, tuple(self.passages))
        self._assert_same(self._rank(), ranked, "for a tuple")

    def test_inputs_are_not_mutated(self) -> None:
        """The caller may show, log or rank the same passages again."""
        given = [deepcopy(passage) for passage in self.passages]
        before = deepcopy(given)
        self.make().rank(self.query, given)
        assert given == before, "the caller's list or its passages were changed"

    def test_same_input_same_result(self) -> None:
        """Prompt caches and tests both need it."""
        reranker = self.make()
        first = reranker.rank(self.query, list(self.passages))
        self._assert_same(first, reranker.rank(self.query, list(self.passages)), "the second time")

    def test_odd_passages_are_ranked(self) -> None:
        """Nothing in a text raises, and no odd passage disappears without a word."""
        reranker = self.make()
        for name, text in ODD_TEXTS.items():
            odd = Passage(text, id=name)
            with no_error(f"ranking {name}"):
                ranked = reranker.rank(self.query, [odd, *self.passages[:2]])
            if self.keeps_all:
                assert name in _ids(ranked), f"a passage of {name} was lost"
            scores = [passage.score for passage in ranked]
            assert all(s is not None and math.isfinite(s) for s in scores), f"{name}: {scores}"

    def test_odd_queries_are_answered(self) -> None:
        """People paste anything into a search box."""
        reranker = self.make()
        for name, query in ODD_TEXTS.items():
            with no_error(f"ranking for {name} as the query"):
                ranked = reranker.rank(query, list(self.passages))
            if self.keeps_all:
                assert len(ranked) == len(self.passages), f"passages were lost for {name}"

    def test_threads_get_their_own_results(self) -> None:
        """One reranker serves many requests at once."""
        reranker = self.make()
        orders = [[*self.passages[place % 5 :], *self.passages[: place % 5]] for place in range(8)]
        queries = [passage.text for passage in (*self.passages, *self.passages)][:8]
        asked = list(zip(queries, orders, strict=True))
        alone = [reranker.rank(*question) for question in asked]
        together = from_threads(lambda question: reranker.rank(*question), asked)
        for place, ranked in enumerate(together):
            self._assert_same(alone[place % len(asked)], ranked, "from several threads")


def _ids(passages: Sequence[Passage]) -> list[str]:
    return [passage.id for passage in passages]
