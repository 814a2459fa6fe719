"""Keeping an answer, and learning from it first."""

import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from ragthrift.cache.entry import FOREVER, Entry, Learnt, NewEntry, Place, Terms
from ragthrift.cache.evidence import evidence_of
from ragthrift.cache.finding import Finder
from ragthrift.cache.fresh import Fresh, why_not_store
from ragthrift.cache.lookup import Lookup
from ragthrift.cache.policy import Policy
from ragthrift.cache.serving.neighbour import Neighbour, Serving
from ragthrift.cache.settings import Lifetime, Rules
from ragthrift.cache.store import Store
from ragthrift.failures import Tally
from ragthrift.types import Passage

STATE_EVERY = 16
"""Labels after which what the policy learnt is written down."""


class Keeper:
    """Stores fresh answers, unless something speaks against it."""

    def __init__(
        self,
        store: Store,
        finder: Finder,
        policy: Policy,
        *,
        lifetime: Lifetime,
        rules: Rules,
        shadow: bool,
        tally: Tally,
    ) -> None:
        self._store, self._finder, self._policy = store, finder, policy
        self._lifetime, self._rules, self._shadow = lifetime, rules, shadow
        self._tally = tally
        self._labels = 0

    def keep(
        self,
        lookup: Lookup,
        fresh: Fresh,
        *,
        passages: Sequence[Passage] = (),
        user: str | None = None,
    ) -> bool:
        """Store an answer that was made after `lookup`; whether it was stored."""
        place = lookup.place
        if place is None:
            return False
        with self._tally.passing("store"):
            reason = why_not_store(lookup.question, fresh, self._rules)
            if reason:
                self._tally.add(f"not_stored_{reason}")
                return False
            built_from = passages if fresh.passages is None else fresh.passages
            group = None
            with self._tally.passing("policy"):
                group = self._learn(lookup, fresh)
            entry = self._entry(place, lookup, fresh, built_from)
            entry = replace(entry, group=group or entry.group, user=self._finder.user(user))
            written = self._store.put(entry, fence=lookup.fence)
            self._tally.add("stored" if written == "stored" else f"dropped_{written}")
            return written == "stored"
        return False

    def _entry(
        self, place: Place, lookup: Lookup, fresh: Fresh, passages: Sequence[Passage]
    ) -> NewEntry:
        now = time.time()
        soft_end, end = ends(self._lifetime, now)
        vector = lookup.vector
        if vector is None:
            vector = self._finder.embed(lookup.question)
        tokens = fresh.tokens if fresh.tokens is not None else len(fresh.text) // 4
        return NewEntry(
            place,
            dict(lookup.scope.parts).get("corpus", ""),
            lookup.question,
            fresh.text,
            group=uuid.uuid4().hex,
            evidence=evidence_of(passages),
            vector=vector,
            created=now,
            soft_end=soft_end,
            end=end,
            cost=max(1.0, float(tokens)),
            agrees_with=self._same_as_another_user(lookup, fresh),
            extra=fresh.extra,
        )

    def _learn(self, lookup: Lookup, fresh: Fresh) -> str | None:
        """The group of the fresh answer among the neighbours, if the policy knows it."""
        serving = lookup.serving
        if serving is None or not lookup.neighbours:
            return None
        label = self._policy.learn(lookup.question, lookup.neighbours, fresh.text, serving=serving)
        about = int(serving.neighbour.entry_id) if serving.neighbour else None
        judged = (lookup.would_serve, serving.confidence, label.agreement, about)
        self._store.learnt(Learnt(self._kind(lookup), *judged))
        self._labels += 1
        if self._labels % STATE_EVERY == 0:
            self.save_state()
        return label.group

    def _kind(self, lookup: Lookup) -> Literal["miss", "audit", "shadow"]:
        if self._shadow:
            return "shadow"
        return "audit" if lookup.would_serve else "miss"

    def _same_as_another_user(self, lookup: Lookup, fresh: Fresh) -> int | None:
        """The entry that other users got for this question, if a judge finds it equal."""
        if self._rules.share_after_users < 2 or lookup.place is None:
            return None
        entry = self._store.exact(lookup.place, Terms(time.time()))
        if entry is None:
            return None
        neighbour = _as_neighbour(entry)
        serving = Serving(neighbour, False, 0.0, "not shared yet")
        label = self._policy.learn(lookup.question, (neighbour,), fresh.text, serving=serving)
        return entry.id if label.agreement == "agreed" else None

    def save_state(self) -> None:
        """Write down what the policy learnt."""
        with self._tally.passing("store"):
            self._store.save_state(self._policy.state())


def _as_neighbour(entry: Entry) -> Neighbour:
    return Neighbour(str(entry.id), entry.question, entry.answer, 1.0, entry.group)


def ends(lifetime: Lifetime, now: float) -> tuple[float, float]:
    """When an answer stored now is due for a fresh one, and when it expires."""
    soft = FOREVER if lifetime.soft_seconds is None else now + lifetime.soft_seconds
    if lifetime.seconds is None:
        end = FOREVER
    else:
        end = now + lifetime.seconds * (1 - lifetime.jitter * random.random())
    hard = FOREVER if lifetime.max_seconds is None else now + lifetime.max_seconds
    return soft, min(end, hard)


def later_end(lifetime: Lifetime, entry: Entry, now: float) -> float | None:
    """The end of a sliding lifetime after a serving, or `None` while half of it is left."""
    if not lifetime.sliding or lifetime.seconds is None:
        return None
    if entry.end - now > lifetime.seconds / 2:
        return None
    hard = FOREVER if lifetime.max_seconds is None else entry.created + lifetime.max_seconds
    return min(now + lifetime.seconds, hard)
