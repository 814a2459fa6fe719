"""From turns to the segment that will stand for them."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragthrift.memory.acceptance import accepted
from ragthrift.memory.groups import cut_for
from ragthrift.memory.room import Room
from ragthrift.memory.segment import Fact, Segment, live
from ragthrift.memory.summariser import Summariser, Summary, SummaryError
from ragthrift.memory.turn import Turn
from ragthrift.memory.view import Cut
from ragthrift.protocols import TokenCounter
from ragthrift.types import Message
from ragthrift.usage import Usage

_LEAST = 16
"""Tokens that any summary may take."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one compaction would do."""

    cut: Cut
    """The conversation as it is sent now."""
    turns: tuple[Turn, ...]
    """What would be summarised; empty if there is no place to cut."""
    old_tokens: int
    """Of those turns, as they are sent now."""
    recent_tokens: int
    """Of the turns that would stay."""


def plan_of(cut: Cut, keep: int, tokens: Sequence[int]) -> Plan:
    """Summarise recent turns, of `tokens` each as they are sent, until `keep` of them stay."""
    messages = [turn.message for turn in cut.recent]
    place = cut_for(messages, tokens, start=0, keep=keep)
    return Plan(cut, cut.recent[:place], sum(tokens[:place]), sum(tokens[place:]))


@dataclass(frozen=True, slots=True)
class Compacted:
    """New segments and the tokens they took."""

    segments: tuple[Segment, ...]
    usage: Usage
    summaries: int
    failed: int = 0
    """Merges that were not made: the next compaction tries again."""


def compacted(
    plan: Plan,
    summariser: Summariser,
    *,
    room: Room,
    counter: TokenCounter,
    prompt: Sequence[Message] = (),
) -> Compacted:
    """The segment that stands for the planned turns, and a merged one if summaries grew too long.

    Raises what the summariser raises, and `SummaryError` for a summary that may not be used.
    """
    cut, known = plan.cut, {turn.id for turn in plan.turns}
    limit = summary_limit(plan, room)
    before = "\n\n".join(segment.summary for segment in cut.segments if segment.summary)
    summary = accepted(
        summariser.summarise(
            plan.turns, before=before, max_tokens=limit, facts=cut.facts, prompt=prompt
        ),
        max_tokens=limit,
        counter=counter,
    )
    facts = _grounded(summary.facts, known)
    new = _segment([turn.id for turn in plan.turns], summary, facts, counter)
    total = sum(segment.tokens for segment in (*cut.segments, new))
    if total <= room.summaries or not cut.segments:
        return Compacted((new,), summary.usage, 1)
    try:
        merged, usage = _merged([*cut.segments, new], summariser, room, counter)
    except Exception as error:  # noqa: BLE001  (what was summarised is kept, whatever the merge did)
        return Compacted((new,), summary.usage + used_by(error), 1, failed=1)
    return Compacted((new, merged), summary.usage + usage, 2)


def used_by(error: BaseException) -> Usage:
    """What a failed summary used, as far as the error tells."""
    return error.usage if isinstance(error, SummaryError) else Usage()


def summary_limit(plan: Plan, room: Room) -> int:
    """A summary of little must be shorter still."""
    return max(min(room.summary, plan.old_tokens // 4), _LEAST)


def _merged(
    segments: Sequence[Segment], summariser: Summariser, room: Room, counter: TokenCounter
) -> tuple[Segment, Usage]:
    """One segment for several: of their summaries, with all facts that hold."""
    limit = max(room.summaries // 3, _LEAST)
    said = [
        Turn(s.id, Message("assistant", s.summary), s.tokens, 0.0) for s in segments if s.summary
    ]
    facts = live(fact for segment in segments for fact in segment.facts)
    summary = accepted(
        summariser.summarise(said, before="", max_tokens=limit, facts=facts),
        max_tokens=limit,
        counter=counter,
    )
    ids = [turn_id for segment in segments for turn_id in segment.turn_ids]
    return _segment(ids, summary, facts, counter), summary.usage


def _segment(
    turn_ids: Sequence[str], summary: Summary, facts: Sequence[Fact], counter: TokenCounter
) -> Segment:
    return Segment.of(turn_ids, summary.text, facts, counter.count(summary.text))


def _grounded(facts: Sequence[Fact], known: set[str]) -> list[Fact]:
    """Facts that name turns they cannot be from lose those names."""
    return [
        Fact(fact.text, tuple(t for t in fact.turn_ids if t in known), fact.supersedes)
        for fact in facts
        if fact.text.strip()
    ]
