"""Looking: the same question first, then the nearest ones."""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from ragthrift.cache.entry import Entry, Place, Terms
from ragthrift.cache.evidence import evidence_of, holds_chunks, overlap
from ragthrift.cache.lookup import Lookup, Tier
from ragthrift.cache.policy import Policy
from ragthrift.cache.question import goes_on, is_bare, same_question
from ragthrift.cache.scope import EARLIER, missing_parts
from ragthrift.cache.serving.neighbour import Neighbour, Serving
from ragthrift.cache.settings import Freshness, Rules
from ragthrift.cache.store import Store
from ragthrift.errors import InputError
from ragthrift.failures import Tally
from ragthrift.protocols import Embedder
from ragthrift.types import CacheHit, Passage, Scope

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

Near = Literal["decide", "explain", "skip"]
NEIGHBOURS = 5
_SAME = "the same question was answered before"
_UNSEEN = "it was not built from a chunk that retrieval finds now"
_RECHECK = "a chunk was added near the question since it was answered"


class Finder:
    """Decides what may be served for a question; changes nothing."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder | None,
        policy: Policy,
        *,
        freshness: Freshness,
        rules: Rules,
        tally: Tally,
    ) -> None:
        self._store, self._embedder, self._policy = store, embedder, policy
        self._freshness, self._rules, self._tally = freshness, rules, tally
        self._name = str(getattr(embedder, "name", type(embedder).__name__))

    def find(
        self,
        question: str,
        *,
        scope: Scope,
        passages: Sequence[Passage] | None = None,
        user: str | None = None,
        near: Near = "decide",
    ) -> Lookup:
        """What may be served, as of now; `hit` holds it even if the decision asks for an audit.

        `near` says what becomes of questions in other words: `decide` on them, `explain` without
        a decision that the policy would count, or `skip` them.
        """
        if not isinstance(question, str):
            raise InputError(f"a question must be str, not {type(question).__name__}")
        lookup = Lookup(question, scope, "nothing near it was asked before")
        with self._tally.passing("lookup"):
            reason = self._why_not_look(question, scope)
            if reason:
                return replace(lookup, reason=reason)
            lookup = replace(lookup, place=self.place(question, scope), fence=self._store.fence())
            lookup = self._exact(lookup, passages, user)
            if near != "skip" and lookup.hit is None and self._embedder is not None:
                lookup = self._neighbours(lookup, user)
                if near == "explain":
                    return self._explained(lookup)
                lookup = self._semantic(lookup, passages, user)
        return lookup

    def unlooked(self, question: str, scope: Scope) -> Lookup:
        """For an answer that comes without a look into the cache."""
        reason = self._why_not_look(question, scope)
        if reason:
            return Lookup(question, scope, reason)
        return Lookup(question, scope, "not looked up", place=self.place(question, scope))

    def place(self, question: str, scope: Scope) -> Place:
        """Where the answer to a question lies."""
        digest = self._store.cipher.digest
        parts = json.dumps([self._name, *map(list, scope.parts)])
        text = same_question(question).encode("utf-8", "surrogatepass")
        return Place(digest(parts.encode()), digest(text))

    def terms(self, user: str | None) -> Terms:
        """What an entry must meet to be read now, for a user."""
        return Terms(time.time(), self.user(user), self._rules.share_after_users)

    def user(self, user: str | None) -> bytes | None:
        """A user as stored."""
        if user is None:
            return None
        return self._store.cipher.digest(b"user", user.encode("utf-8", "surrogatepass"))

    def _why_not_look(self, question: str, scope: Scope) -> str | None:
        if missing := missing_parts(scope, self._rules.declared):
            names = ", ".join(missing)
            self._tally.warn(
                "scope_incomplete", f"a scope lacks {names}, which is declared: nothing is cached"
            )
            return f"the scope lacks {names}"
        if not same_question(question):
            return "there is no question"
        if is_bare(question):
            return "the question only points at earlier turns; ask it rewritten to stand alone"
        if goes_on(question) and not dict(scope.parts).get(EARLIER):
            return "the question goes on from earlier turns, and the scope holds none"
        return None

    def _exact(
        self, lookup: Lookup, passages: Sequence[Passage] | None, user: str | None
    ) -> Lookup:
        if lookup.place is None:
            return lookup
        entry = self._store.exact(lookup.place, self.terms(user))
        if entry is None:
            return lookup
        neighbour = _neighbour(entry, 1.0)
        serving = Serving(neighbour, True, 1.0, _SAME)
        found = replace(lookup, serving=serving, neighbours=(neighbour,), reason=_SAME)
        return self._serve(found, entry, passages, tier="exact")

    def _neighbours(self, lookup: Lookup, user: str | None) -> Lookup:
        vector, place = self.embed(lookup.question), lookup.place
        if vector is None or place is None:
            return lookup
        found = self._store.nearest(place.scope, vector, NEIGHBOURS, self.terms(user))
        neighbours = tuple(_neighbour(entry, cosine) for entry, cosine in found)
        entries = tuple(entry for entry, _ in found)
        return replace(lookup, vector=vector, neighbours=neighbours, entries=entries)

    def _explained(self, lookup: Lookup) -> Lookup:
        if not lookup.neighbours:
            return lookup
        words = self._policy.explain(lookup.question, lookup.neighbours)
        doubt = f"{lookup.reason}; " if lookup.serving else ""
        return replace(lookup, reason=doubt + words)

    def _semantic(
        self, lookup: Lookup, passages: Sequence[Passage] | None, user: str | None
    ) -> Lookup:
        if lookup.vector is None:
            return lookup
        serving = self._policy.decide(lookup.question, lookup.neighbours)
        reason = lookup.reason if lookup.needs_retrieval else serving.reason
        lookup = replace(lookup, serving=serving, reason=reason)
        chosen = serving.neighbour
        if chosen is None or not (serving.serve or serving.audit):
            return lookup
        entry = next(entry for entry in lookup.entries if str(entry.id) == chosen.entry_id)
        # A judge may have taken its time: what moved meanwhile must not be served.
        if not self._store.servable(entry.id, self.terms(user)):
            return replace(lookup, reason="its answer was withdrawn while this was decided")
        return self._serve(lookup, entry, passages, tier="semantic")

    def _serve(
        self, lookup: Lookup, entry: Entry, passages: Sequence[Passage] | None, tier: Tier
    ) -> Lookup:
        doubt = self._doubt(lookup.question, entry, passages)
        if doubt:
            asks = passages is None and self._freshness.mode != "before_retrieval"
            return replace(lookup, reason=doubt, needs_retrieval=asks)
        serving = lookup.serving
        if serving is None or serving.neighbour is None:
            return lookup
        hit = CacheHit(
            entry.question, entry.answer, serving.neighbour.similarity, serving.confidence
        )
        return replace(
            lookup,
            hit=hit,
            tier=tier,
            would_serve=True,
            needs_retrieval=False,
            reason=serving.reason,
            soft_expired=entry.soft_end <= time.time(),
            entry=entry,
        )

    def _doubt(self, question: str, entry: Entry, passages: Sequence[Passage] | None) -> str | None:
        """Why the evidence does not allow serving, or `None`."""
        mode = self._freshness.mode
        if mode == "before_retrieval" or (mode == "auto" and passages is None):
            return _RECHECK if entry.recheck else None
        if passages is None:
            return "its evidence must be compared with fresh passages"
        stored, fresh = self._store.evidence(entry.id), evidence_of(passages)
        share = overlap(stored, fresh)
        if share < self._freshness.min_overlap:
            return f"its evidence overlaps with the fresh passages by {share:.2f}"
        # The same question finds a chunk it did not find before only if that is new; in other
        # words it may find others, but not a better one.
        same = same_question(question) == same_question(entry.question)
        decisive = fresh if same else fresh[:1]
        return None if holds_chunks(stored, decisive) else _UNSEEN

    def embed(self, text: str) -> "Vector | None":
        """A text's vector, from the cache of vectors if it is there; `None` when that failed."""
        if self._embedder is None:
            return None
        with self._tally.passing("embedder"):
            raw = text.encode("utf-8", "surrogatepass")
            digest = self._store.cipher.digest(self._name.encode(), raw)
            vector = self._store.embedding(digest)
            if vector is None:
                vector = self._embedder.embed([text])[0]
                self._store.keep_embedding(digest, vector)
            return vector
        return None


def _neighbour(entry: Entry, cosine: float) -> Neighbour:
    return Neighbour(
        str(entry.id),
        entry.question,
        entry.answer,
        cosine,
        entry.group,
        entry.right,
        entry.wrong,
    )
