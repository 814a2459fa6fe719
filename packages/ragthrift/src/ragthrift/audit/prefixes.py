"""How much of each prompt stood at the beginning of one before it."""

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from ragthrift.audit.billed import SOURCES
from ragthrift.ledger import Call, Segment

MOST_SESSIONS = 5000


@dataclass(frozen=True, slots=True)
class PrefixStability:
    """One type's prompts beside the one before, of the type or of the conversation."""

    request_type: str
    calls: int
    stable_share: float
    """Of prompt tokens: those before the first difference."""
    cached_share: float
    """Of prompt tokens: those that the provider read from its cache."""
    differs_in: tuple[tuple[str, float], ...]
    """The part that the first difference is in, with the share of the calls."""


@dataclass(slots=True)
class _Sums:
    calls: int = 0
    stable: int = 0
    tokens: int = 0
    read: int = 0
    billed: int = 0


class Prefixes:
    """The last prompt of each type and conversation."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], tuple[Segment, ...]] = {}
        self._sessions: OrderedDict[str, tuple[Segment, ...]] = OrderedDict()
        self._sums: dict[str, _Sums] = {}
        self._differs: dict[str, Counter[str]] = {}

    def add(self, call: Call) -> None:
        """Take in a billed call, in the order of time."""
        if not call.segments or call.purpose != "answer":
            return
        name = call.request_type
        before = self._last.get((name, call.model))
        if before is None and len(self._last) >= MOST_SESSIONS:
            return
        self._last[name, call.model] = call.segments
        own = self._of_session(call)
        if before is None and own is None:
            return
        at, stable = common(before or (), call.segments)
        if own is not None:
            at, stable = max((at, stable), common(own, call.segments), key=lambda found: found[1])
        sums = self._sums.setdefault(name, _Sums())
        sums.calls += 1
        sums.stable += stable
        sums.tokens += sum([segment.tokens for segment in call.segments])
        sums.read += call.usage.cache_read_tokens
        sums.billed += call.usage.input_tokens
        place = SOURCES[call.segments[at].kind] if at < len(call.segments) else "nothing"
        self._differs.setdefault(name, Counter())[place] += 1

    def _of_session(self, call: Call) -> tuple[Segment, ...] | None:
        if not call.session:
            return None
        key = f"{call.session}\n{call.model}"
        before = self._sessions.pop(key, None)
        self._sessions[key] = call.segments
        if len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return before

    def rows(self) -> tuple[PrefixStability, ...]:
        """Longest prompts in sum first."""
        order = sorted(self._sums.items(), key=lambda item: -item[1].tokens)
        return tuple(
            PrefixStability(
                name,
                sums.calls,
                sums.stable / sums.tokens if sums.tokens else 0.0,
                sums.read / sums.billed if sums.billed else 0.0,
                tuple(
                    (place, count / sums.calls)
                    for place, count in self._differs[name].most_common(3)
                ),
            )
            for name, sums in order
        )


def common(first: Sequence[Segment], second: Sequence[Segment]) -> tuple[int, int]:
    """Segments with which both begin, and their tokens.

    >>> a, b, c = (Segment("system", text, 5) for text in "abc")
    >>> common([a, b], [a, c])
    (1, 5)
    """
    tokens = 0
    for at, (ours, theirs) in enumerate(zip(first, second, strict=False)):
        if ours.digest != theirs.digest or ours.kind != theirs.kind:
            return at, tokens
        tokens += ours.tokens
    return min(len(first), len(second)), tokens
