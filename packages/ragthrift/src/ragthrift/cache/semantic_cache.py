"""Answers what was asked before, in these words or others, and never what only looks like it."""

import os
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Self, TypedDict

from ragthrift.cache.answering import Answering, Call, Compute, ComputeStream, Retrieve
from ragthrift.cache.finding import Finder, Near
from ragthrift.cache.fresh import Fresh
from ragthrift.cache.growth import Growth
from ragthrift.cache.keeping import Keeper, later_end
from ragthrift.cache.lookup import Answer, Lookup, from_cache
from ragthrift.cache.policy import NeverServe, Policy, default_policy, resumed
from ragthrift.cache.replay import pieces, whole
from ragthrift.cache.settings import Freshness, Lifetime, Rules
from ragthrift.cache.sqlite_store import SqliteStore
from ragthrift.cache.store import Store
from ragthrift.failures import Tally
from ragthrift.pipeline import OnError
from ragthrift.protocols import Embedder
from ragthrift.types import CacheHit, Passage, Scope


class _Shared(TypedDict):
    rules: Rules
    tally: Tally


class SemanticCache:
    """A cache of answers for one or many processes.

    >>> from ragthrift.types import Scope
    >>> cache = SemanticCache(None)
    >>> scope = Scope.of(tenant="canteen", model="small")
    >>> model = lambda question, passages: "At nine."
    >>> cache.answer("When does it open, the canteen?", model, scope=scope).source
    'model'
    >>> cache.answer("when does it open,  the canteen?", model, scope=scope).source
    'exact'

    `embedder` finds questions in other words; `None` serves the same question only. `store` is a
    file, or a store; `None` keeps answers in a file that vanishes with the cache. `policy` decides
    which near question is near enough, `None` for a `ServingPolicy`; a new `ServingPolicy` goes on
    from what was learnt with this store. `shadow` decides and learns, and serves nothing: a policy
    of your own should then audit all (`ServingPolicy(audit_share=1.0)`).
    `on_error="pass"` turns a failure of the store, the embedder or the policy into a miss, logs it
    once and counts it; the model's own errors are always raised.
    """

    def __init__(
        self,
        embedder: Embedder | None,
        *,
        store: Store | str | os.PathLike[str] | None = None,
        policy: Policy | None = None,
        lifetime: Lifetime | None = None,
        freshness: Freshness | None = None,
        rules: Rules | None = None,
        shadow: bool = False,
        on_error: OnError = "pass",
    ) -> None:
        given = store is None or isinstance(store, (str, os.PathLike))
        self._store: Store = SqliteStore(store) if given else store  # type: ignore[arg-type,assignment]
        self._lifetime = lifetime or Lifetime()
        self.freshness = freshness or Freshness()
        self._shadow = shadow
        self._rules = rules = rules or Rules()
        self._tally = tally = Tally("cache", on_error, also=self._store.count)
        if policy is None:
            policy = NeverServe() if embedder is None else default_policy(shadow=shadow)
        policy = resumed(policy, self._store)
        shared: _Shared = {"rules": rules, "tally": tally}
        self._finder = Finder(self._store, embedder, policy, freshness=self.freshness, **shared)
        self._keeper = Keeper(
            self._store, self._finder, policy, lifetime=self._lifetime, shadow=shadow, **shared
        )
        self._answering = Answering(self, self._store, seconds=rules.call_seconds, tally=tally)
        self._embedder = embedder
        self._behind: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def lookup(self, question: str, *, scope: Scope) -> CacheHit | None:
        """A safe hit, or `None`."""
        return self.find(question, scope=scope).hit

    def find(
        self,
        question: str,
        *,
        scope: Scope,
        passages: Sequence[Passage] | None = None,
        user: str | None = None,
    ) -> Lookup:
        """Look, decide and count; hand the result to `keep` with what the model then says."""
        lookup = self._finder.find(question, scope=scope, passages=passages, user=user)
        return self._served(lookup)

    def explain(
        self,
        question: str,
        *,
        scope: Scope,
        passages: Sequence[Passage] | None = None,
        user: str | None = None,
    ) -> Lookup:
        """Why a question is served or not, in the `reason`; nothing is counted, asked or learnt.

        `hit` is that of the same question only: on near ones nothing is decided here.
        """
        return self._finder.find(
            question, scope=scope, passages=passages, user=user, near="explain"
        )

    def store(
        self, question: str, answer: str, *, scope: Scope, passages: Sequence[Passage] = ()
    ) -> None:
        """Remember an answer and the passages it was built from.

        Documents that moved meanwhile go unnoticed here; `answer`, or `find` and `keep`, see them.
        """
        lookup = Lookup(question, scope, "not looked up")
        with self._tally.passing("store"):
            lookup = self._finder.unlooked(question, scope)
        self._keeper.keep(lookup, Fresh(answer), passages=passages)

    def keep(self, lookup: Lookup, fresh: Fresh, *, user: str | None = None) -> bool:
        """Learn from what the model said after `lookup`, and store it; whether it was stored."""
        return self._keeper.keep(lookup, fresh, user=user)

    def answer(
        self,
        question: str,
        compute: Compute,
        *,
        scope: Scope,
        passages: Sequence[Passage] | None = None,
        retrieve: Retrieve | None = None,
        user: str | None = None,
        fence: int | None = None,
    ) -> Answer:
        """The cache's answer or the model's; 100 who ask the same at once make one call.

        `compute` gets the question and what `retrieve` found, if that was needed. Who passes
        `passages` gives the `fence()` read before they were retrieved, too: without it a document
        that changed in between goes unnoticed, unless the passages name versions.
        """
        call = Call(question, scope, passages, retrieve, user, fence, alone=self._alone(user))
        lookup, call = self._look(call)
        if lookup.hit is None:
            return self._answering.answer(call, compute, lookup)
        if lookup.soft_expired:
            self._refresh(call, compute, lookup)
        return from_cache(lookup, lookup.hit, call.passages)

    def make(self, lookup: Lookup, compute: Compute, *, user: str | None = None) -> Answer:
        """The model's answer after a `find` without a hit, by one call for all who ask at once."""
        alone = self._alone(user)
        call = Call(lookup.question, lookup.scope, None, None, user, lookup.fence, alone)
        return self._answering.answer(call, compute, lookup)

    def stream(
        self,
        question: str,
        compute: ComputeStream,
        *,
        scope: Scope,
        passages: Sequence[Passage] | None = None,
        retrieve: Retrieve | None = None,
        user: str | None = None,
        fence: int | None = None,
    ) -> Generator[str, None, Answer]:
        """The answer in pieces, as they come from the model or again from the cache.

        Only an answer that ends by itself is stored: not one that fails, is cut off, or is left.
        A `Completion` or `Fresh` as last piece says how it ended. The generator returns the whole.
        """
        call = Call(question, scope, passages, retrieve, user, fence, alone=self._alone(user))
        lookup, call = self._look(call)
        if lookup.hit is None:
            return (yield from self._answering.stream(call, compute, lookup))
        if lookup.soft_expired:
            self._refresh(call, lambda asked, found: whole(compute(asked, found)), lookup)
        yield from pieces(lookup.hit.answer)
        return from_cache(lookup, lookup.hit, call.passages)

    def fence(self) -> int | None:
        """The registry's epoch: read it before you retrieve, give it to `answer`."""
        with self._tally.passing("store"):
            return self._store.fence()
        return None

    def invalidate(self, *, document_id: str) -> int:
        """Make every answer built from a document unservable at once; how many there were.

        Answers that are being made from it are dropped when they come. Errors are raised whatever
        `on_error` says: who is not told would go on serving what is stale.
        """
        return self._store.invalidate(document_id)

    def document_changed(self, document_id: str, version: str) -> int:
        """Declare a document's version: answers from other versions go; how many there were."""
        return self._store.move(document_id, version)

    def chunks_added(self, chunks: Sequence[Passage], *, corpus: str = "") -> int:
        """Mark answers that new chunks may concern for a second look; how many there are.

        `corpus` is the part of that name in the answers' scopes. Without an embedder nothing tells
        which those are: `clear` the cache.
        """
        if not chunks or self._embedder is None:
            return 0
        texts = [chunk.text for chunk in chunks]
        growth = Growth(texts, self._embedder.embed(texts), self.freshness.recheck_similarity)
        return self._store.grow(corpus, growth)

    def look_again(self, call: Call) -> Lookup:
        """Look for the same question only: somebody may just have answered it."""
        lookup = self._looked(call, near="skip")
        return lookup if lookup.hit is None else self._served(lookup)

    def clear(self) -> None:
        """Forget every answer."""
        self._store.clear()

    @property
    def counters(self) -> dict[str, int]:
        """What happened how often in this process."""
        return self._tally.counts()

    def close(self) -> None:
        """Finish what runs behind, write down what was learnt, close the store."""
        with self._lock:
            behind, self._behind = self._behind, None
        if behind:
            behind.shutdown(cancel_futures=True)
        self._keeper.save_state()
        self._store.close()

    def _look(self, call: Call) -> tuple[Lookup, Call]:
        """Look, with fresh passages where the mode asks for them."""
        if call.retrieve and call.passages is None and self.freshness.mode == "after_retrieval":
            call = self._retrieved(call)
        lookup = self._looked(call)
        if lookup.needs_retrieval and call.retrieve and call.passages is None:
            call = self._retrieved(replace(call, fence=lookup.fence))
            lookup = self._looked(call)
        if lookup.place is not None and call.fence is not None:
            lookup = replace(lookup, fence=call.fence)
        return self._served(lookup), call

    def _alone(self, user: str | None) -> bool:
        """Who is nobody in particular must not get what only one user has got so far."""
        return self._shadow or (self._rules.share_after_users > 1 and user is None)

    def _looked(self, call: Call, near: Near = "decide") -> Lookup:
        return self._finder.find(
            call.question, scope=call.scope, passages=call.passages, user=call.user, near=near
        )

    def _retrieved(self, call: Call) -> Call:
        """With passages, and the epoch of before: what moves while they are read is noticed."""
        fence = self.fence() if call.fence is None else call.fence
        passages = call.retrieve(call.question) if call.retrieve else None
        return replace(call, passages=passages, fence=fence)

    def _served(self, lookup: Lookup) -> Lookup:
        """Count, and hold back what is only tried out."""
        if self._shadow:
            self._tally.add("shadowed")
        entry = lookup.entry
        if lookup.hit is None or entry is None:
            self._tally.add("misses")
            return lookup
        if self._shadow:
            self._tally.add("would_serve")
            return replace(lookup, hit=None)
        audit = lookup.serving is not None and lookup.serving.audit
        if audit and lookup.tier == "semantic":
            self._tally.add("audits")
            return replace(lookup, hit=None)
        self._tally.add(f"hits_{lookup.tier}")
        self._tally.add("tokens_saved", int(entry.cost))
        with self._tally.passing("store"):
            self._store.touch(entry.id, end=later_end(self._lifetime, entry, time.time()))
        return lookup

    def _refresh(self, call: Call, compute: Compute, lookup: Lookup) -> None:
        with self._lock:
            self._behind = self._behind or ThreadPoolExecutor(2, "ragthrift-cache")
            self._behind.submit(self._answering.refresh, call, compute, lookup)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
