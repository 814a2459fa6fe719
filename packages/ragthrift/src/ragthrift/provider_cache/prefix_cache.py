"""One provider's prompt cache, simulated."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate

from ragthrift.errors import InputError
from ragthrift.ledger import Segment
from ragthrift.provider_cache.breakpoints import Breakpoint
from ragthrift.provider_cache.rules import CacheRules

_MANY = 10_000
"""Beginnings that are kept before those that have expired are dropped."""


@dataclass(frozen=True, slots=True)
class CachedTokens:
    """Of a prompt: what came from the cache, and what was written to it for a price."""

    read: int = 0
    write: int = 0
    write_1h: int = 0
    """The part of `write` that is kept for an hour."""


@dataclass(slots=True)
class _Beginning:
    """A beginning of prompts that is kept."""

    ready: float
    seconds: float
    expires: float

    def alive(self, at: float) -> bool:
        return self.ready <= at < self.expires


class PrefixCache:
    """Simulates a provider's prompt cache over the prompts that it is shown, in order of time.

    A beginning can be read once the first answer to it has begun: calls at the same time all write
    it. Each use begins its lifetime anew. Segments are matched as wholes, so that a beginning which
    two texts have in common is not seen: what is read is never overestimated.

    >>> from ragthrift.provider_cache import at_end, rules_for
    >>> rules = rules_for("claude-sonnet-4-5")
    >>> cache = PrefixCache(rules)
    >>> prompt = [Segment.of("system", "The rules of the canteen", tokens=1500)]
    >>> cache.bill(prompt, at_end(prompt, rules), at=0.0, ready_after=2.0)
    CachedTokens(read=0, write=1500, write_1h=0)
    >>> [cache.bill(prompt, at_end(prompt, rules), at=at).read for at in (1.0, 3.0, 302.0, 603.0)]
    [0, 1500, 1500, 0]
    """

    def __init__(self, rules: CacheRules) -> None:
        self.rules = rules
        self._kept: dict[bytes, _Beginning] = {}
        self._many = _MANY

    def bill(
        self,
        segments: Sequence[Segment],
        breakpoints: Sequence[Breakpoint] = (),
        *,
        at: float,
        ready_after: float = 0.0,
    ) -> CachedTokens:
        """What a prompt reads and writes at a moment in seconds.

        `ready_after` says how many seconds later its answer begins.
        """
        self._forget(at)
        rules = self.rules
        if not rules.lifetimes:
            return CachedTokens()
        ends = list(accumulate(segment.tokens for segment in segments))
        keys = list(_beginnings(segments))
        if not rules.marked:
            everywhere = [Breakpoint(n) for n in range(1, len(keys) + 1)]
            read = self._read(keys, ends, everywhere, at)
            self._write(keys, ends, everywhere, at, at + ready_after)
            return CachedTokens(read)
        marks = sorted(breakpoints, key=lambda mark: mark.after)
        if len(marks) > rules.breakpoints or any(m.after > len(keys) for m in marks):
            raise InputError(
                f"{len(marks)} breakpoints in a prompt of {len(keys)} segments: at most "
                f"{rules.breakpoints} go to {rules.name or 'a prompt'}, each after a segment"
            )
        read = self._read(keys, ends, marks, at)
        hour = self._write(keys, ends, marks, at, at + ready_after, read)
        last = max((rules.whole_steps(ends[m.after - 1]) for m in marks if m.after), default=0)
        return CachedTokens(read, max(last - read, 0), hour)

    def _read(
        self, keys: list[bytes], ends: list[int], marks: Sequence[Breakpoint], at: float
    ) -> int:
        """The longest known beginning; what is found lives on."""
        back = self.rules.lookback if self.rules.marked else 1
        seen = {n for mark in marks for n in range(max(mark.after - back, 0), mark.after)}
        for place in sorted(seen, reverse=True):
            found = self._kept.get(keys[place])
            if found is not None and found.alive(at):
                found.expires = at + found.seconds
                return self.rules.whole_steps(ends[place])
        return 0

    def _write(
        self,
        keys: list[bytes],
        ends: list[int],
        marks: Sequence[Breakpoint],
        at: float,
        ready: float,
        read: int = 0,
    ) -> int:
        """Keep what is marked; the tokens of it that are written for an hour."""
        hour, done = 0, read
        for mark in marks:
            size = self.rules.whole_steps(ends[mark.after - 1]) if mark.after else 0
            if not size:
                continue
            lifetime = self.rules.lifetime(mark.lifetime)
            known = self._kept.get(keys[mark.after - 1])
            if known is None or at >= known.expires:
                known = _Beginning(ready, lifetime.seconds, 0.0)
                self._kept[keys[mark.after - 1]] = known
            known.expires = max(known.expires, at + known.seconds)
            hour += max(size - done, 0) if lifetime.name == "1h" else 0
            done = max(done, size)
        return hour

    def _forget(self, at: float) -> None:
        if len(self._kept) > self._many:
            self._kept = {key: one for key, one in self._kept.items() if one.expires > at}
            self._many = 2 * len(self._kept) + _MANY


def _beginnings(segments: Sequence[Segment]) -> Iterator[bytes]:
    """A digest of each beginning, whatever its segments are for: a question becomes history."""
    state = blake2b(digest_size=16)
    for segment in segments:
        state.update(segment.digest.encode())
        state.update(b";")
        yield state.digest()
