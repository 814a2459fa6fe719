"""Prompts that begin alike, so that the provider's cache serves their beginning."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING

from ragthrift.audit.bill import KINDS, Bill, Level
from ragthrift.audit.billed import UNSPLIT, prompt_shares
from ragthrift.audit.levers.lever import Evidence, Lever
from ragthrift.ledger import Call, Segment
from ragthrift.ledger.pricing import Prices
from ragthrift.provider_cache.breakpoints import (
    STABLE,
    Breakpoint,
    Placement,
    after_documents,
    after_stable,
    as_provider_does,
    stable_segments,
)
from ragthrift.provider_cache.documents import document_name, hot_documents, in_canonical_order
from ragthrift.provider_cache.families import rules_for
from ragthrift.provider_cache.replay import replayed_calls
from ragthrift.provider_cache.rules import CacheRules

if TYPE_CHECKING:
    from ragthrift.audit.bill import Floats

_ORDER = ("tools", "system", "example", "history", "document", "other", "question")
"""That of `PromptLayout`: what grows at its end comes before what changes."""
_LESS = 0.8
"""Of what the simulator reads, at the low end: providers promise no hit."""
_LEAST = 0.001


@dataclass(frozen=True, slots=True)
class Layout:
    """An order of a prompt's parts, and where its breakpoints stand."""

    title: str
    place: Placement
    kinds: tuple[str, ...] = ()
    """The order of segments; empty for that in which they were sent."""
    hot: tuple[str, ...] = ()
    """Documents that come first, in this order."""
    volatile: frozenset[str] = frozenset()
    """Digests of what stands among the stable parts and is not: a clock, a user's name."""

    def ordered(self, call: Call) -> Call:
        """A call with its prompt in this layout."""
        segments: Sequence[Segment] = call.segments
        if self.hot:
            segments = in_canonical_order(segments, self.hot)
        if self.kinds:
            segments = sorted(segments, key=self._place)
        return replace(call, segments=tuple(segments))

    def _place(self, segment: Segment) -> int:
        late = segment.digest in self.volatile
        return self.kinds.index("other" if late else segment.kind)


@dataclass(frozen=True, slots=True)
class Cached:
    """What a provider would have read and written, in shares of each kind: shape (n, k)."""

    read: "Floats"
    write: "Floats"


def prompt_caching(evidence: Evidence) -> Lever | None:
    """`None` where no layout saves anything by the simulator."""
    if not any(call.segments for call in evidence.bill.calls):
        return None
    plain = Layout("as it is, marked after the stable part", after_stable)
    best = _fitted([plain, *_rearranged(evidence.bill.calls)], evidence)
    if not best:
        return None
    safe = _fitted([Layout("", as_provider_does), plain], evidence)
    found = {
        "low": _less(_cached(safe, evidence)),
        "expected": _cached(best, evidence),
        "high": _cached(best, evidence, forever=True),
    }

    def apply(bill: Bill, level: Level) -> Bill:
        return _with(bill, found[level])

    told = "; ".join(f"{name}: {layout.title}" for name, layout in list(best.items())[:3])
    return Lever(
        name="prompt caching",
        title="Let prompts begin alike, and mark where",
        apply=apply,
        assumes=f"the calls of this ledger, replayed under the provider's rules ({told}); at the "
        "low end nothing changes places, at the high end nothing expires",
        basis="measured",
        risk="low",
        caution="another order of documents can change answers: hold it against `ragthrift bench`",
        code="PromptLayout.learn(calls).arrange(parts)",
    )


def _rearranged(calls: Sequence[Call]) -> list[Layout]:
    late = volatile(calls)
    talk = "stable parts first, marked after the conversation"
    layouts = [
        Layout("stable parts first", after_stable, _ORDER, (), late),
        Layout(talk, after_history, _ORDER, (), late),
    ]
    hot = hot_documents(
        [document_name(s) for s in call.segments if s.kind == "document"] for call in calls
    )
    if hot:
        place = after_documents(hot)
        layouts.append(Layout("frequent documents next", place, _ORDER, hot, late))
    return layouts


def after_history(segments: Sequence[Segment], _rules: CacheRules) -> Sequence[Breakpoint]:
    """After the stable part, and after the conversation that follows it."""
    stable = after = stable_segments(segments)
    while after < len(segments) and segments[after].kind == "history":
        after += 1
    return tuple(Breakpoint(place) for place in sorted({stable, after} - {0}))


def volatile(calls: Sequence[Call]) -> frozenset[str]:
    """Digests among tools, rules and examples that hardly any other prompt has.

    >>> from ragthrift import Usage
    >>> rules, nine, ten = (Segment.of("system", text, tokens=9) for text in ("Rules", "9", "10"))
    >>> calls = [Call(model="m", usage=Usage(18), segments=(at, rules)) for at in (nine, ten)]
    >>> volatile(calls) == {nine.digest, ten.digest}
    True
    """
    counts = Counter(
        segment.digest for call in calls for segment in call.segments if segment.kind in STABLE
    )
    return frozenset(one for one, count in counts.items() if count == 1)


def _fitted(layouts: Sequence[Layout], evidence: Evidence) -> dict[str, Layout]:
    """For each type of request the layout that costs least, where one saves anything."""
    import numpy as np

    bill = evidence.bill
    rows = defaultdict(list)
    for row, call in enumerate(bill.calls):
        rows[call.request_type].append(row)
    costs = []
    for layout in layouts:
        everywhere = dict.fromkeys(rows, layout)
        costs.append(_with(bill, _cached(everywhere, evidence)).dollars)
    found = {}
    for name, places in rows.items():
        sums = [float(cost[places].sum()) for cost in costs]
        best = int(np.argmin(sums))
        if sums[best] < (1 - _LEAST) * float(bill.dollars[places].sum()):
            found[name] = layouts[best]
    return found


def _cached(layouts: Mapping[str, Layout], evidence: Evidence, *, forever: bool = False) -> Cached:
    """Every type in its layout, the others as they were billed."""
    read, write = evidence.bill.read.copy(), evidence.bill.write.copy()
    row = 0
    for stretch in evidence.stretches:
        for layout in set(layouts.values()):
            chosen = [
                (row + place, layout.ordered(call))
                for place, call in enumerate(stretch)
                if layouts.get(call.request_type) is layout and call.segments
            ]
            _replay(chosen, layout, read, write, prices=evidence.prices, forever=forever)
        row += len(stretch)
    return Cached(read, write)


def _replay(
    chosen: Sequence[tuple[int, Call]],
    layout: Layout,
    read: "Floats",
    write: "Floats",
    *,
    prices: Prices,
    forever: bool,
) -> None:
    """Fill in the rows of one stretch."""
    by_model = defaultdict(list)
    for row, call in chosen:
        by_model[call.model, call.provider].append((row, call))
    for (model, provider), rows in by_model.items():
        rules = rules_for(model, provider or None, prices=prices)
        if not rules.billed or not rules.lifetimes:
            continue
        kept = _without_end(rules) if forever else rules
        replayed = replayed_calls([call for _, call in rows], kept, place=layout.place)
        for (row, _), call in zip(rows, replayed, strict=True):
            read[row], write[row] = _by_kind(call)


def _by_kind(call: Call) -> tuple[list[float], list[float]]:
    tokens, read, write = ([0.0] * len(KINDS) for _ in range(3))
    for kind, fresh, was_read, written in prompt_shares(call):
        at = KINDS.index(kind if kind in KINDS else UNSPLIT)
        tokens[at] += fresh + was_read + written
        read[at] += was_read
        write[at] += written
    return (
        [part / whole if whole else 0.0 for part, whole in zip(read, tokens, strict=True)],
        [part / whole if whole else 0.0 for part, whole in zip(write, tokens, strict=True)],
    )


def _without_end(rules: CacheRules) -> CacheRules:
    first = replace(rules.lifetimes[0], seconds=inf)
    return replace(rules, lifetimes=(first, *rules.lifetimes[1:]))


def _less(cached: Cached) -> Cached:
    return Cached(_LESS * cached.read, cached.write)


def _with(bill: Bill, cached: Cached) -> Bill:
    return replace(bill, read=cached.read.copy(), write=cached.write.copy())
