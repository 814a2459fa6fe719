"""Which part of a prompt each billed token came from."""

from collections.abc import Iterator
from dataclasses import dataclass

from ragthrift.ledger import Call
from ragthrift.ledger.rates import Parts

SOURCES = {
    "tools": "tools",
    "system": "system",
    "example": "examples",
    "document": "documents",
    "history": "history",
    "question": "question",
    "other": "other",
}
"""Kinds of segments, as the report names them."""
UNSPLIT = "prompt, not split"
OUTPUT, REASONING, FEES = "output", "reasoning", "fees"


@dataclass(slots=True)
class Billed:
    """One call's dollars as numbers, by class of tokens; not frozen, which takes twice as long."""

    fresh: float
    read: float
    write: float
    output: float
    reasoning: float
    other: float

    @classmethod
    def of(cls, parts: Parts) -> "Billed":
        """From exact dollars."""
        return cls(
            float(parts.fresh),
            float(parts.read),
            float(parts.write),
            float(parts.output),
            float(parts.reasoning),
            float(parts.other),
        )


def prompt_shares(call: Call) -> Iterator[tuple[str, float, float, float]]:
    """For each segment: its kind, and its fresh, read and written tokens, scaled to the bill's.

    A provider caches the beginning of a prompt: what it read comes first, then what it wrote.

    >>> from ragthrift import Usage
    >>> from ragthrift.ledger import Segment
    >>> parts = Segment("system", "1f", 60), Segment("question", "2e", 40)
    >>> call = Call(model="m", usage=Usage(200, 0, cache_read_tokens=140), segments=parts)
    >>> list(prompt_shares(call))
    [('system', 0.0, 120.0, 0.0), ('question', 60.0, 20.0, 0.0)]
    """
    usage = call.usage
    counted = sum([segment.tokens for segment in call.segments])
    if not counted:
        yield UNSPLIT, usage.fresh_tokens, usage.cache_read_tokens, usage.cache_write_tokens
        return
    scale = usage.input_tokens / counted
    read_left, write_left = float(usage.cache_read_tokens), float(usage.cache_write_tokens)
    if not read_left and not write_left:
        for segment in call.segments:
            yield segment.kind, segment.tokens * scale, 0.0, 0.0
        return
    for segment in call.segments:
        tokens = segment.tokens * scale
        read = min(tokens, read_left)
        write = min(tokens - read, write_left)
        read_left -= read
        write_left -= write
        yield segment.kind, tokens - read - write, read, write


class SourceSpend:
    """Tokens and dollars of each source, added up.

    Calls that answer nobody, such as repairs and judges, are sources by what they are for.
    """

    def __init__(self) -> None:
        self.found: dict[str, list[float]] = {}

    def add(self, call: Call, billed: Billed) -> None:
        """Take in a priced call."""
        usage = call.usage
        if call.purpose != "answer":
            dollars = billed.fresh + billed.read + billed.write + billed.output + billed.reasoning
            self._add(f"calls for {call.purpose}", usage.total_tokens, dollars + billed.other)
            return
        if usage.cache_read_tokens or usage.cache_write_tokens or not call.segments:
            self._add_cached(call, billed)
        else:
            self._add_fresh(call, billed.fresh)
        thought = min(call.classes.get("output_reasoning_tokens", 0), usage.output_tokens)
        self._add(OUTPUT, usage.output_tokens - thought, billed.output)
        if thought or billed.reasoning:
            self._add(REASONING, thought, billed.reasoning)
        if billed.other:
            self._add(FEES, 0, billed.other)

    def _add_fresh(self, call: Call, dollars: float) -> None:
        """A prompt all of whose tokens cost the same."""
        counts: dict[str, int] = {}
        for segment in call.segments:
            counts[segment.kind] = counts.get(segment.kind, 0) + segment.tokens
        counted = sum(counts.values())
        tokens = call.usage.input_tokens
        for kind, count in counts.items():
            share = count / counted if counted else 1 / len(counts)
            self._add(SOURCES[kind], tokens * share, dollars * share)

    def _add_cached(self, call: Call, billed: Billed) -> None:
        usage = call.usage
        each = (
            billed.fresh / (usage.fresh_tokens or 1),
            billed.read / (usage.cache_read_tokens or 1),
            billed.write / (usage.cache_write_tokens or 1),
        )
        for kind, fresh, read, write in prompt_shares(call):
            dollars = fresh * each[0] + read * each[1] + write * each[2]
            self._add(SOURCES.get(kind, kind), fresh + read + write, dollars)

    def _add(self, source: str, tokens: float, dollars: float) -> None:
        row = self.found.get(source)
        if row is None:
            row = self.found[source] = [0.0, 0.0]
        row[0] += tokens
        row[1] += dollars
