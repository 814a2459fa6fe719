"""What every cache of answers promises."""

from copy import deepcopy

from ragthrift.protocols import Cache
from ragthrift.testing.checks import from_threads, no_error
from ragthrift.testing.samples import ODD_TEXTS, QUERY
from ragthrift.types import CacheHit, Passage, Scope

SCOPE = Scope.of(tenant="canteen", model="small")
OTHER_SCOPE = Scope.of(tenant="garage", model="small")
HANDBOOK = Passage(
    "The canteen opens at nine.", id="handbook", metadata={"document_id": "handbook"}
)
MENU = Passage("Soup is served at noon.", id="menu", metadata={"document_id": "menu"})


class CacheContract:
    """Subclass it under a name that pytest collects, and say in `make` how to make yours.

    `make` gives a new and empty cache each time. A passage belongs to the document that its
    metadata names as `document_id`; here that is its own id, too.

    >>> class TestMine(CacheContract):
    ...     def make(self) -> Cache:
    ...         return MyCache()
    """

    def make(self) -> Cache:
        """Make a new, empty cache."""
        raise NotImplementedError("return a new, empty cache from make()")

    def _filled(self) -> Cache:
        cache = self.make()
        cache.store(QUERY, "At nine.", scope=SCOPE, passages=[HANDBOOK])
        return cache

    def test_an_empty_cache_has_nothing(self) -> None:
        """Not found is `None`, never an error."""
        with no_error("looking into an empty cache"):
            hit = self.make().lookup(QUERY, scope=SCOPE)
        assert hit is None, f"an empty cache served {hit}"

    def test_the_same_question_is_served(self) -> None:
        """In the same words and the same scope."""
        hit = self._filled().lookup(QUERY, scope=SCOPE)
        assert isinstance(hit, CacheHit), f"a stored question gave {hit!r}"
        assert hit.answer == "At nine.", f"another answer was served: {hit.answer!r}"
        assert hit.question == QUERY, f"the hit names another question: {hit.question!r}"

    def test_confidence_is_a_probability(self) -> None:
        """Reports add it up."""
        hit = self._filled().lookup(QUERY, scope=SCOPE)
        assert hit is not None, "a stored question was not served"
        assert 0 <= hit.confidence <= 1, f"confidence is {hit.confidence}"
        assert abs(hit.similarity - 1) < 1e-3, f"a question is {hit.similarity} similar to itself"

    def test_another_question_is_not_served(self) -> None:
        """Neither one about something else nor one that differs in the word that matters."""
        cache = self._filled()
        for other in ("How many people does the lift hold?", "When does the canteen close?"):
            hit = cache.lookup(other, scope=SCOPE)
            assert hit is None, f"{other!r} was answered by {hit}"

    def test_nothing_is_served_across_scopes(self) -> None:
        """One tenant's answer is another tenant's leak."""
        cache = self._filled()
        for scope in (OTHER_SCOPE, Scope(), Scope.of(tenant="canteen")):
            hit = cache.lookup(QUERY, scope=scope)
            assert hit is None, f"{hit} was served in {scope} but stored in {SCOPE}"

    def test_scopes_do_not_overwrite_each_other(self) -> None:
        """One question may have an answer in each."""
        cache = self._filled()
        cache.store(QUERY, "At seven.", scope=OTHER_SCOPE)
        hits = [cache.lookup(QUERY, scope=scope) for scope in (SCOPE, OTHER_SCOPE)]
        answers = [hit.answer if hit else None for hit in hits]
        assert answers == ["At nine.", "At seven."], f"the two scopes serve {answers}"

    def test_a_newer_answer_is_served(self) -> None:
        """What was true when it was stored may not be now."""
        cache = self._filled()
        cache.store(QUERY, "At ten.", scope=SCOPE)
        hit = cache.lookup(QUERY, scope=SCOPE)
        assert hit is not None, "a question that was stored twice is not served"
        assert hit.answer == "At ten.", f"the older answer was served: {hit.answer!r}"

    def test_a_cleared_cache_has_nothing(self) -> None:
        """And can be filled again."""
        cache = self._filled()
        cache.clear()
        hit = cache.lookup(QUERY, scope=SCOPE)
        assert hit is None, f"a cleared cache served {hit}"
        cache.store(QUERY, "At ten.", scope=SCOPE)
        assert cache.lookup(QUERY, scope=SCOPE) is not None, "a cleared cache cannot be filled"

    def test_an_invalidated_document_serves_nothing(self) -> None:
        """In no scope, from the moment that `invalidate` returns."""
        cache = self._filled()
        cache.store(QUERY, "At nine.", scope=OTHER_SCOPE, passages=[MENU, HANDBOOK])
        cache.invalidate(document_id="handbook")
        for scope in (SCOPE, OTHER_SCOPE):
            hit = cache.lookup(QUERY, scope=scope)
            assert hit is None, f"{hit} was built from an invalidated document"

    def test_invalidate_says_how_many(self) -> None:
        """Answers, not passages; and each only once."""
        cache = self._filled()
        cache.store(QUERY, "At nine.", scope=OTHER_SCOPE, passages=[MENU, HANDBOOK, HANDBOOK])
        asked = ("handbook", "handbook", "unknown")
        counts = [cache.invalidate(document_id=document) for document in asked]
        assert counts == [2, 0, 0], f"two answers, then none, then none, but it said {counts}"

    def test_other_documents_stay(self) -> None:
        """An update of one document must not empty the cache."""
        cache = self._filled()
        cache.store("When is soup served?", "At noon.", scope=SCOPE, passages=[MENU])
        cache.store("Who are you?", "A canteen.", scope=SCOPE)
        cache.invalidate(document_id="handbook")
        for question in ("When is soup served?", "Who are you?"):
            assert cache.lookup(question, scope=SCOPE), f"{question!r} was forgotten, too"

    def test_two_caches_share_nothing(self) -> None:
        """A default store that is made once is a store for everybody."""
        self._filled()
        hit = self.make().lookup(QUERY, scope=SCOPE)
        assert hit is None, f"a new cache served {hit} from another"

    def test_inputs_are_not_mutated(self) -> None:
        """The caller still shows the passages."""
        given = [deepcopy(HANDBOOK), deepcopy(MENU)]
        self.make().store(QUERY, "At nine.", scope=SCOPE, passages=given)
        assert given == [HANDBOOK, MENU], "the caller's list or its passages were changed"

    def test_odd_questions_get_their_own_answers(self) -> None:
        """Or none: a cache may refuse to store them, but not mistake one for another."""
        cache = self.make()
        for name, text in ODD_TEXTS.items():
            with no_error(f"storing {name}"):
                cache.store(text, f"to {name}: {text}", scope=SCOPE)
        for name, text in ODD_TEXTS.items():
            with no_error(f"looking up {name}"):
                hit = cache.lookup(text, scope=SCOPE)
            assert hit is None or hit.answer == f"to {name}: {text}", f"{name} got another answer"

    def test_threads_get_their_own_answers(self) -> None:
        """One cache serves many requests at once."""
        cache = self.make()
        tenants = [f"tenant {number}" for number in range(8)]

        def store(tenant: str) -> None:
            for number in range(20):
                question, answer = f"Question {number}?", f"{tenant} {number}"
                cache.store(question, answer, scope=Scope.of(tenant=tenant))
                cache.invalidate(document_id="unknown")

        def look_up(tenant: str) -> list[str | None]:
            scope = Scope.of(tenant=tenant)
            hits = [cache.lookup(f"Question {number}?", scope=scope) for number in range(20)]
            return [hit.answer if hit else None for hit in hits]

        from_threads(store, tenants)
        for place, answers in enumerate(from_threads(look_up, tenants)):
            wanted = [f"{tenants[place % 8]} {number}" for number in range(20)]
            assert answers == wanted, "answers were lost or mixed up between threads"
