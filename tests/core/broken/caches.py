import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

from ragthrift import CacheHit, Passage, Scope
from ragthrift.lexical import words
from ragthrift.protocols import Cache
from ragthrift.testing import DictCache
from tests.core.broken.rules import BrokenParts

BROKEN: BrokenParts[Cache, Callable[..., object]] = BrokenParts(lambda function: DictCache())


def breaking(rule: str) -> Callable[[type[DictCache]], type[DictCache]]:
    def file(cache: type[DictCache]) -> type[DictCache]:
        BROKEN.file(rule, cache)
        return cache

    return file


@breaking("test_an_empty_cache_has_nothing")
class RaisesWhenNothingIsFound(DictCache):
    def lookup(self, question: str, *, scope: Scope) -> CacheHit | None:
        hit = super().lookup(question, scope=scope)
        if hit is None:
            raise KeyError(question)
        return hit


@breaking("test_an_empty_cache_has_nothing")
class AnswersWithNothing(DictCache):
    def lookup(self, question: str, *, scope: Scope) -> CacheHit | None:
        return super().lookup(question, scope=scope) or CacheHit(question, "", 0.0, 0.0)


@breaking("test_the_same_question_is_served")
class ServesTheAnswerAlone(DictCache):
    def lookup(self, question: str, *, scope: Scope) -> CacheHit | None:
        hit = super().lookup(question, scope=scope)
        return cast(CacheHit, hit.answer) if hit else None


@breaking("test_the_same_question_is_served")
class ForgetsAtOnce(DictCache):
    def lookup(self, question: str, *, scope: Scope) -> CacheHit | None:
        return None


@breaking("test_the_same_question_is_served")
class LowersQuestions(DictCache):
    def lookup(self, question: str, *, scope: Scope) -> CacheHit | None:
        hit = super().lookup(question, scope=scope)
        return replace(hit, question=question.lower()) if hit else None


@breaking("test_confidence_is_a_probability")
class IsMoreThanSure(DictCache):
    def lookup(self, question: str, *, scope: Scope) -> CacheHit | None:
        hit = super().lookup(question, scope=scope)
        return replace(hit, confidence=1.2) if hit else None


@breaking("test_confidence_is_a_probability")
class ReportsADistance(DictCache):
    def lookup(self, question: str, *, scope: Scope) -> CacheHit | None:
        hit = super().lookup(question, scope=scope)
        return replace(hit, similarity=0.0) if hit else None


@breaking("test_another_question_is_not_served")
class ComparesOnlyTheBeginning(DictCache):
    def lookup(self, question: str, *, scope: Scope) -> CacheHit | None:
        return super().lookup(" ".join(question.split()[:4]), scope=scope)

    def store(
        self, question: str, answer: str, *, scope: Scope, passages: Sequence[Passage] = ()
    ) -> None:
        beginning = " ".join(question.split()[:4])
        super().store(beginning, answer, scope=scope, passages=passages)


@breaking("test_nothing_is_served_across_scopes")
@breaking("test_scopes_do_not_overwrite_each_other")
class IgnoresScopes(DictCache):
    def lookup(self, question: str, *, scope: Scope) -> CacheHit | None:
        return super().lookup(question, scope=Scope())

    def store(
        self, question: str, answer: str, *, scope: Scope, passages: Sequence[Passage] = ()
    ) -> None:
        super().store(question, answer, scope=Scope(), passages=passages)


@breaking("test_nothing_is_served_across_scopes")
class ServesToPartsOfAScope(DictCache):
    def lookup(self, question: str, *, scope: Scope) -> CacheHit | None:
        return next(
            (
                super(ServesToPartsOfAScope, self).lookup(question, scope=stored)
                for stored, asked in self._answers
                if asked == question and set(scope.parts) <= set(stored.parts)
            ),
            None,
        )


@breaking("test_a_newer_answer_is_served")
class KeepsTheFirstAnswer(DictCache):
    def store(
        self, question: str, answer: str, *, scope: Scope, passages: Sequence[Passage] = ()
    ) -> None:
        if self.lookup(question, scope=scope) is None:
            super().store(question, answer, scope=scope, passages=passages)


@breaking("test_a_cleared_cache_has_nothing")
class DoesNotClear(DictCache):
    def clear(self) -> None:
        pass


@breaking("test_a_cleared_cache_has_nothing")
class CannotBeFilledAgain(DictCache):
    _closed = False

    def clear(self) -> None:
        super().clear()
        self._closed = True

    def store(
        self, question: str, answer: str, *, scope: Scope, passages: Sequence[Passage] = ()
    ) -> None:
        if not self._closed:
            super().store(question, answer, scope=scope, passages=passages)


@breaking("test_an_invalidated_document_serves_nothing")
@breaking("test_invalidate_says_how_many")
class LooksAtTheFirstPassageOnly(DictCache):
    def store(
        self, question: str, answer: str, *, scope: Scope, passages: Sequence[Passage] = ()
    ) -> None:
        super().store(question, answer, scope=scope, passages=passages[:1])


@breaking("test_an_invalidated_document_serves_nothing")
class CountsButServesOn(DictCache):
    def invalidate(self, *, document_id: str) -> int:
        return sum(document_id in stored.documents for stored in self._answers.values())


@breaking("test_invalidate_says_how_many")
class InvalidatesWithoutACount(DictCache):
    def invalidate(self, *, document_id: str) -> int:
        super().invalidate(document_id=document_id)
        return 0


@breaking("test_other_documents_stay")
class ForgetsEverythingOnInvalidate(DictCache):
    def invalidate(self, *, document_id: str) -> int:
        self.clear()
        return 1


@breaking("test_two_caches_share_nothing")
class SharesOneStore(DictCache):
    _shared = DictCache()

    def __init__(self) -> None:
        super().__init__()
        self._answers = self._shared._answers


@breaking("test_inputs_are_not_mutated")
class TagsPassages(DictCache):
    def store(
        self, question: str, answer: str, *, scope: Scope, passages: Sequence[Passage] = ()
    ) -> None:
        for passage in passages:
            cast(dict[str, object], passage.metadata)["cached"] = True
        super().store(question, answer, scope=scope, passages=passages)


@breaking("test_odd_questions_get_their_own_answers")
class EncodesQuestions(DictCache):
    def store(
        self, question: str, answer: str, *, scope: Scope, passages: Sequence[Passage] = ()
    ) -> None:
        question.encode()
        super().store(question, answer, scope=scope, passages=passages)


@breaking("test_odd_questions_get_their_own_answers")
class ComparesWordsOnly(DictCache):
    def lookup(self, question: str, *, scope: Scope) -> CacheHit | None:
        return super().lookup(" ".join(words(question)), scope=scope)

    def store(
        self, question: str, answer: str, *, scope: Scope, passages: Sequence[Passage] = ()
    ) -> None:
        super().store(" ".join(words(question)), answer, scope=scope, passages=passages)


@breaking("test_threads_get_their_own_answers")
class CopiesAllToStoreOne(DictCache):
    def store(
        self, question: str, answer: str, *, scope: Scope, passages: Sequence[Passage] = ()
    ) -> None:
        before = dict(self._answers)
        time.sleep(0.0005)
        super().store(question, answer, scope=scope, passages=passages)
        self._answers = {**before, (scope, question): self._answers[scope, question]}
