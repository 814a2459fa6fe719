"""An answer whose documents moved is never served, however late it comes."""

from collections.abc import Sequence

import numpy as np
import pytest

from ragthrift import InputError, Passage, Scope
from ragthrift.cache import Evidence, Fresh, Freshness, SemanticCache, evidence_of
from ragthrift.cache.evidence import overlap
from ragthrift.cache.settings import Mode
from ragthrift.testing import FakeEmbedder
from tests.cache.fakes import Model, ServeNear

SCOPE = Scope.of(tenant="acme", corpus="handbook")
ASKED = "When does the canteen open?"
NEAR = "When does our canteen open today?"


def page(version: str | None = None, text: str = "It opens at nine.", id: str = "p1") -> Passage:  # noqa: A002
    known = {"document_id": "canteen"} | ({"version": version} if version else {})
    return Passage(text, id=id, metadata=known)


def make(mode: Mode = "before_retrieval") -> SemanticCache:
    return SemanticCache(
        FakeEmbedder(), policy=ServeNear(0.6), freshness=Freshness(mode), on_error="raise"
    )


def filled(*passages: Passage, mode: Mode = "before_retrieval") -> SemanticCache:
    cache = make(mode)
    cache.store(ASKED, "At nine.", scope=SCOPE, passages=passages)
    return cache


def served(cache: SemanticCache) -> list[bool]:
    """In the same words, and in others."""
    return [cache.lookup(question, scope=SCOPE) is not None for question in (ASKED, NEAR)]


def test_evidence_names_documents_versions_and_chunks() -> None:
    hashed = Passage("a", id="x", metadata={"content_hash": "ff"})
    evidence = evidence_of([page("2"), page("2"), hashed])
    assert [(e.document_id, e.version) for e in evidence] == [("canteen", "2"), ("x", "ff")]
    assert len({e.chunk for e in evidence}) == 2


def test_both_ways_to_ask_are_served_at_first() -> None:
    assert served(filled(page("1"))) == [True, True]


def test_a_changed_version_is_unservable() -> None:
    cache = filled(page("1"))
    assert cache.document_changed("canteen", "2") == 1
    assert served(cache) == [False, False]


def test_the_declared_version_stays() -> None:
    cache = filled(page("1"))
    assert cache.document_changed("canteen", "1") == 0
    assert served(cache) == [True, True]
    assert cache.document_changed("canteen", "1") == 0


def test_an_answer_without_a_version_goes_with_any_change() -> None:
    cache = filled(page())
    assert cache.document_changed("canteen", "2") == 1
    assert served(cache) == [False, False]


def test_an_old_version_is_not_stored_after_the_change() -> None:
    cache = make()
    cache.document_changed("canteen", "2")
    cache.store(ASKED, "At nine.", scope=SCOPE, passages=[page("1")])
    assert served(cache) == [False, False]
    cache.store(ASKED, "At ten.", scope=SCOPE, passages=[page("2")])
    assert served(cache) == [True, True]
    assert cache.counters["dropped_stale"] == 1


def test_two_versions_of_one_document_are_not_stored() -> None:
    assert served(filled(page("1"), page("2", id="p2"))) == [False, False]


def test_an_empty_version_is_refused() -> None:
    with pytest.raises(InputError, match="invalidate"):
        make().document_changed("canteen", "")


def test_a_fresh_answer_moves_a_document_that_nobody_declared() -> None:
    cache = filled(page("1"))
    cache.store("When does it close, the canteen?", "At three.", scope=SCOPE, passages=[page("1")])
    lookup = cache.find("Is the canteen open on Sunday?", scope=SCOPE)
    assert cache.keep(lookup, Fresh("No.", passages=[page("2")]))
    assert served(cache) == [False, False]
    assert cache.explain("When does it close, the canteen?", scope=SCOPE).hit is None


def test_a_late_write_of_the_old_version_does_not_come_back() -> None:
    cache = make()
    early = cache.find(ASKED, scope=SCOPE)
    other = cache.find("Is the canteen open on Sunday?", scope=SCOPE)
    assert cache.keep(cache.find("Is there tea?", scope=SCOPE), Fresh("Yes", passages=[page("1")]))
    assert cache.keep(other, Fresh("No.", passages=[page("2")]))
    assert not cache.keep(early, Fresh("At nine.", passages=[page("1")]))
    assert served(cache)[0] is False


@pytest.mark.parametrize("change", ["invalidate", "document_changed", "clear"])
@pytest.mark.parametrize("version", [None, "1"])
def test_a_write_that_raced_with_a_change_is_dropped(change: str, version: str | None) -> None:
    cache = make()

    def slow(question: str, passages: Sequence[Passage]) -> Fresh:
        if change == "invalidate":
            cache.invalidate(document_id="canteen")
        elif change == "document_changed":
            cache.document_changed("canteen", "2")
        else:
            cache.clear()
        return Fresh("At nine.", passages=[page(version)])

    assert cache.answer(ASKED, slow, scope=SCOPE).source == "model"
    assert served(cache) == [False, False]
    assert cache.counters["dropped_cleared" if change == "clear" else "dropped_moved"] == 1


def test_a_change_of_another_document_drops_nothing() -> None:
    cache = make()

    def slow(question: str, passages: Sequence[Passage]) -> Fresh:
        cache.invalidate(document_id="lift")
        return Fresh("At nine.", passages=[page()])

    cache.answer(ASKED, slow, scope=SCOPE)
    assert served(cache) == [True, True]


def test_passages_of_ones_own_need_the_fence_of_before() -> None:
    cache = make()
    fence = cache.fence()
    passages = [page()]
    cache.invalidate(document_id="canteen")
    cache.answer(ASKED, Model(), scope=SCOPE, passages=passages, fence=fence)
    assert served(cache) == [False, False]


def test_a_change_while_retrieving_is_noticed() -> None:
    cache = make("after_retrieval")

    def retrieve(question: str) -> list[Passage]:
        cache.invalidate(document_id="canteen")
        return [page()]

    cache.answer(ASKED, Model(), scope=SCOPE, retrieve=retrieve)
    assert cache.counters["dropped_moved"] == 1


def test_after_retrieval_serves_on_the_same_evidence_only() -> None:
    cache = filled(page("1"), mode="after_retrieval")
    model = Model("At ten.")

    def ask(passages: list[Passage]) -> str:
        return cache.answer(ASKED, model, scope=SCOPE, retrieve=lambda _: passages).source

    assert served(cache) == [False, False], "without fresh passages nothing can be compared"
    assert ask([page("1")]) == "exact"
    assert cache.find(NEAR, scope=SCOPE, passages=[page("1")]).hit
    assert not cache.find(NEAR, scope=SCOPE, passages=[page("1", "It opens at ten.")]).hit
    assert ask([page("1", "It opens at ten.")]) == "model"
    assert model.calls == 1


def test_after_retrieval_asks_again_where_a_chunk_is_new() -> None:
    cache, soup = filled(page("1"), mode="after_retrieval"), page("1", "Soup is at noon.", "p2")

    def hit(question: str, *passages: Passage) -> bool:
        return cache.find(question, scope=SCOPE, passages=passages).hit is not None

    assert not hit(ASKED, page("1"), soup), "the same question never found it before"
    assert hit(NEAR, page("1"), soup), "in other words it may"
    assert not hit(NEAR, soup, page("1")), "but not before the one that was the answer"


def test_after_retrieval_compares_versions() -> None:
    cache = filled(page("1"), mode="after_retrieval")
    assert cache.find(ASKED, scope=SCOPE, passages=[page("2")]).hit is None


def test_overlap_counts_chunks() -> None:
    a, b, c = (Evidence("d", "", chunk) for chunk in "abc")
    assert overlap([a, b], [b, c]) == pytest.approx(1 / 3)
    assert overlap([a], []) == 0


def test_answers_near_a_new_chunk_are_not_served_before_retrieval() -> None:
    cache = filled(page("1"))
    cache.store("How many people does the lift hold?", "Eight.", scope=SCOPE)
    news = Passage("The canteen does open at ten on Fridays.", id="news")
    assert cache.chunks_added([news], corpus="garage") == 0
    assert served(cache) == [True, True]
    assert cache.chunks_added([news], corpus="handbook") == 1
    assert served(cache) == [False, False]
    assert cache.lookup("How many people does the lift hold?", scope=SCOPE)
    cache.store(ASKED, "At ten.", scope=SCOPE, passages=[page("1")])
    assert served(cache) == [True, True]


@pytest.mark.parametrize(("chunk", "concerned"), [("The gate opens at ten.", 1), ("Rain.", 0)])
def test_a_chunk_far_from_the_question_is_known_by_the_words_of_the_answer(
    chunk: str, concerned: int
) -> None:
    class Sideways:
        """Every chunk is as far from every question as 0.3 is from 1."""

        def embed(self, texts: Sequence[str]) -> np.ndarray:
            asked = np.array([[text.endswith("?")] for text in texts])
            rows = np.where(asked, [1.0, 0.0], [0.3, np.sqrt(1 - 0.3**2)])
            return rows.astype(np.float32)

    cache = SemanticCache(Sideways(), policy=ServeNear(), on_error="raise")
    cache.store("When may I go in?", "The gate opens at nine.", scope=SCOPE)
    assert cache.chunks_added([Passage(chunk)], corpus="handbook") == concerned
    assert (cache.lookup("When may I go in?", scope=SCOPE) is None) == bool(concerned)


def test_auto_retrieves_only_near_new_chunks() -> None:
    cache = filled(page("1"), mode="auto")
    retrieved: list[str] = []

    def retrieve(question: str) -> list[Passage]:
        retrieved.append(question)
        return [page("1")]

    assert cache.answer(ASKED, Model(), scope=SCOPE, retrieve=retrieve).source == "exact"
    assert retrieved == []
    cache.chunks_added([Passage("The canteen does open at ten on Fridays.")], corpus="handbook")
    answer = cache.answer(ASKED, Model(), scope=SCOPE, retrieve=retrieve)
    assert (answer.source, retrieved) == ("exact", [ASKED])
    assert [passage.id for passage in answer.passages] == ["p1"]


def test_an_answer_made_while_chunks_came_is_looked_at_again() -> None:
    cache = make()

    def slow(question: str, passages: Sequence[Passage]) -> str:
        cache.chunks_added([Passage("The lift is red.")], corpus="handbook")
        return "At nine."

    cache.answer(ASKED, slow, scope=SCOPE)
    assert cache.lookup(ASKED, scope=SCOPE) is None


def test_what_moves_while_a_judge_thinks_is_not_served() -> None:
    class Slow(ServeNear):
        def decide(self, question, neighbours):  # type: ignore[no-untyped-def]
            cache.invalidate(document_id="canteen")
            return super().decide(question, neighbours)

    cache = SemanticCache(FakeEmbedder(), policy=Slow(0.6), on_error="raise")
    cache.store(ASKED, "At nine.", scope=SCOPE, passages=[page()])
    lookup = cache.find(NEAR, scope=SCOPE)
    assert lookup.hit is None
    assert "withdrawn" in lookup.reason
