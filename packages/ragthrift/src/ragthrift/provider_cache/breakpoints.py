"""Where a prompt tells its provider to cache it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ragthrift.ledger import Kind, Segment
from ragthrift.provider_cache.documents import document_name
from ragthrift.provider_cache.rules import CacheRules

STABLE: frozenset[Kind] = frozenset({"tools", "system", "example"})
"""Kinds of segments that all prompts of one sort have in common."""


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """The end of a beginning that is to be cached."""

    after: int
    """How many of the prompt's segments come before it."""
    lifetime: str = ""
    """By its name in the rules, the shortest if left out."""


Placement = Callable[[Sequence[Segment], CacheRules], Sequence[Breakpoint]]
"""Where a prompt's breakpoints stand."""


def nowhere(_segments: Sequence[Segment], _rules: CacheRules) -> Sequence[Breakpoint]:
    """No breakpoint."""
    return ()


def at_end(segments: Sequence[Segment], _rules: CacheRules) -> Sequence[Breakpoint]:
    """At the end of the prompt: right for conversations, dear where nothing follows."""
    return (Breakpoint(len(segments)),)


def as_provider_does(segments: Sequence[Segment], rules: CacheRules) -> Sequence[Breakpoint]:
    """Where the provider sets one of its own accord."""
    return at_end(segments, rules) if rules.marks_end else ()


def after_stable(segments: Sequence[Segment], _rules: CacheRules) -> Sequence[Breakpoint]:
    """After tools, system and examples, which all prompts of one sort begin with."""
    size = stable_segments(segments)
    return (Breakpoint(size),) if size else ()


def after_documents(hot: Collection[str]) -> Placement:
    """After the stable part, and after the documents in `hot` that follow it."""

    def place(segments: Sequence[Segment], _rules: CacheRules) -> Sequence[Breakpoint]:
        stable = size = stable_segments(segments)
        while size < len(segments) and _is_hot(segments[size], hot):
            size += 1
        return tuple(Breakpoint(after) for after in sorted({stable, size} - {0}))

    return place


def after_stable_and_at_end(segments: Sequence[Segment], rules: CacheRules) -> Sequence[Breakpoint]:
    """For conversations: the next prompt begins with all of this one."""
    return (*after_stable(segments, rules), *at_end(segments, rules))


def stable_segments(segments: Sequence[Segment]) -> int:
    """How many segments at the beginning all prompts of one sort have in common.

    >>> prompt = [Segment.of("system", "Hi.", tokens=2), Segment.of("question", "?", tokens=1)]
    >>> stable_segments(prompt)
    1
    """
    places = (place for place, one in enumerate(segments) if one.kind not in STABLE)
    return next(places, len(segments))


def _is_hot(segment: Segment, hot: Collection[str]) -> bool:
    return segment.kind == "document" and document_name(segment) in hot
