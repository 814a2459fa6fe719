"""From a question to an answer, calling the model once."""

import time
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ragthrift.cache.entry import Place
from ragthrift.cache.evidence import evidence_of
from ragthrift.cache.flights import Flights
from ragthrift.cache.fresh import Fresh, as_fresh
from ragthrift.cache.lookup import Answer, Lookup
from ragthrift.cache.replay import captured, pieces
from ragthrift.cache.store import Store
from ragthrift.failures import Tally
from ragthrift.types import Completion, Passage, Scope

if TYPE_CHECKING:
    from ragthrift.cache.semantic_cache import SemanticCache

Compute = Callable[[str, Sequence[Passage]], "str | Completion | Fresh"]
"""`(question, passages) -> answer`: the model's call, with what was retrieved before it."""
ComputeStream = Callable[[str, Sequence[Passage]], "Iterable[str | Completion | Fresh]"]
"""The same in pieces; a `Completion` or `Fresh` among them says how it ended."""
Retrieve = Callable[[str], Sequence[Passage]]

FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.2


@dataclass(frozen=True, slots=True)
class Call:
    """What somebody asked for."""

    question: str
    scope: Scope
    passages: Sequence[Passage] | None
    retrieve: Retrieve | None
    user: str | None
    fence: int | None
    alone: bool
    """Make a call for each who asks, as if there were no cache."""

    def key(self, lookup: Lookup) -> Hashable:
        """Who asks this may wait for one call: the same question, documents, user and evidence.

        The epoch is a part of it: who asks after a document moved must not get what was computed
        from the one before.
        """
        evidence = evidence_of(self.passages) if self.passages is not None else None
        return (lookup.place, lookup.fence, self.user, evidence)


class Answering:
    """Runs a call of the model for everybody who waits for it, here and in other processes."""

    def __init__(
        self, cache: "SemanticCache", store: Store, *, seconds: float, tally: Tally
    ) -> None:
        self._cache, self._store, self._seconds = cache, store, seconds
        self._tally = tally
        self._flights: Flights[Answer] = Flights()

    def answer(self, call: Call, compute: Compute, lookup: Lookup) -> Answer:
        """The answer to a miss."""
        if lookup.place is None or call.alone:
            return self.run(call, compute, lookup)
        key = call.key(lookup)
        leader = False

        def lead() -> Answer:
            nonlocal leader
            leader = True
            return self._lead(call, compute, lookup)

        answer = self._flights.once(key, lead, seconds=self._seconds)
        if answer is None:
            return self.run(call, compute, lookup)
        if leader:
            return answer
        self._tally.add("shared_calls")
        return replace(answer, source="flight")

    def refresh(self, call: Call, compute: Compute, lookup: Lookup) -> None:
        """Compute again what is still served; whoever else is at it already is enough."""
        key = ("refresh", call.key(lookup))
        elsewhere = lookup.place is not None and self._leased(lookup.place)
        if elsewhere or self._flights.flying(key):
            return
        with self._tally.passing("refresh"):
            self._flights.once(
                key, lambda: self._lead(call, compute, lookup, again=True), seconds=self._seconds
            )

    def run(self, call: Call, compute: Compute, lookup: Lookup) -> Answer:
        """Call the model and keep what it says."""
        passages = self._retrieved(call)
        fresh = as_fresh(compute(call.question, passages or ()))
        return self._kept(call, lookup, fresh, passages)

    def stream(
        self, call: Call, compute: ComputeStream, lookup: Lookup
    ) -> Generator[str, None, Answer]:
        """The answer to a miss in pieces; kept only if it ends by itself."""
        if lookup.place is None or call.alone:
            return (yield from self._captured(call, compute, lookup))
        key = call.key(lookup)
        shared, mine = self._flights.join(key, self._seconds)
        if shared is not None:
            self._tally.add("shared_calls")
            yield from pieces(shared.text)
            return replace(shared, source="flight")
        if not mine:
            return (yield from self._captured(call, compute, lookup))
        with self._flights.making(key) as give:
            answer = yield from self._led(call, compute, lookup, lookup.place)
            give(answer)
        return answer

    def _led(
        self, call: Call, compute: ComputeStream, lookup: Lookup, place: Place
    ) -> Generator[str, None, Answer]:
        """Make the call in pieces, unless another process is making it or has just made it."""
        token, found = self._claim(call, place, withheld=lookup.would_serve)
        try:
            if found is None:
                return (yield from self._captured(call, compute, lookup))
            yield from pieces(found.text)
            return found
        finally:
            self._give_back(place, token)

    def _captured(
        self, call: Call, compute: ComputeStream, lookup: Lookup
    ) -> Generator[str, None, Answer]:
        passages = self._retrieved(call)
        fresh = yield from captured(compute(call.question, passages or ()))
        return self._kept(call, lookup, fresh, passages)

    def _kept(
        self, call: Call, lookup: Lookup, fresh: Fresh, passages: Sequence[Passage] | None
    ) -> Answer:
        if fresh.passages is None and passages is not None:
            fresh = replace(fresh, passages=passages)
        self._cache.keep(lookup, fresh, user=call.user)
        return Answer(fresh.text, "model", lookup, fresh, tuple(passages or ()))

    def _retrieved(self, call: Call) -> Sequence[Passage] | None:
        if call.passages is None and call.retrieve is not None:
            return call.retrieve(call.question)
        return call.passages

    def _lead(self, call: Call, compute: Compute, lookup: Lookup, *, again: bool = False) -> Answer:
        """Make the call, unless another process is making it or has just made it."""
        place = lookup.place
        withheld = again or lookup.would_serve
        token, found = self._claim(call, place, withheld=withheld)
        try:
            return found or self.run(call, compute, lookup)
        finally:
            self._give_back(place, token)

    def _claim(
        self, call: Call, place: Place | None, *, withheld: bool
    ) -> tuple[bytes | None, Answer | None]:
        """A token to give back, and the answer if somebody else made it."""
        if place is None:
            return None, None
        token = self._lease(place)
        if withheld:
            return token, None
        return token, self._made_elsewhere(call, place, wait=token is None)

    def _give_back(self, place: Place | None, token: bytes | None) -> None:
        if place is not None and token is not None:
            with self._tally.passing("lease"):
                self._store.release(place, token)

    def _lease(self, place: Place) -> bytes | None:
        with self._tally.passing("lease"):
            return self._store.lease(place, self._seconds)
        return b""

    def _made_elsewhere(self, call: Call, place: Place, *, wait: bool) -> Answer | None:
        """The answer of whoever had the lease; `None` when they ended without one."""
        deadline, pause = time.monotonic() + self._seconds, FIRST_PAUSE
        while True:
            waiting = wait and self._leased(place)
            found = self._cache.look_again(call)
            if found.hit is not None:
                return Answer(found.hit.answer, "flight" if wait else "exact", found)
            if not waiting or time.monotonic() > deadline:
                return None
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _leased(self, place: Place) -> bool:
        with self._tally.passing("lease"):
            return self._store.leased(place)
        return False
