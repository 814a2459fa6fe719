"""An answer in pieces: a tier that fails before the first piece has left is replaced."""

import re
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace

from ragthrift.route.ask import Ask
from ragthrift.route.call import Attempt, AttemptCall, AttemptStream, Call, Finding, Piece, Purpose
from ragthrift.route.cascade import Cascade
from ragthrift.route.checks import Answered, Check, declined, empty, missing
from ragthrift.route.underway import Answer, Underway
from ragthrift.types import Tier

OPENING: tuple[Check, ...] = (empty, declined, missing)
"""What an opening can already fail."""
_SENTENCE = re.compile(r"[.!?][\"')\]]*\s|\n")
_LONGEST = 240
"""Characters of an opening in which no sentence ends."""
_SHOWN = 80


@dataclass(slots=True)
class Stream:
    """One tier's stream, as far as it was read."""

    tier: Tier
    stands_for: Tier
    purpose: Purpose
    started: float
    parts: Iterator[Piece | Attempt]
    pieces: list[Piece] = field(default_factory=list)
    end: Attempt | None = None
    over: bool = False

    @property
    def text(self) -> str:
        """What was said so far."""
        return "".join(piece.text for piece in self.pieces)

    def attempt(self) -> Attempt:
        """The whole, as the last part says it ended."""
        end = self.end or Attempt("")
        return end if end.text else replace(end, text=self.text)

    def read(self) -> Iterator[Piece]:
        """Go on reading."""
        for part in self.parts:
            if isinstance(part, Attempt):
                self.end = part
            else:
                self.pieces.append(part)
                yield part
        self.over = True

    def close(self) -> None:
        """Stop the provider, where the adapter's generator can."""
        stop = getattr(self.parts, "close", None)
        if stop is not None:
            stop()


def collected(ask: AttemptStream) -> AttemptCall:
    """A stream as one call, which keeps the pieces."""

    def whole(tier: Tier, call: Call) -> Attempt:
        stream = Stream(tier, tier, "answer", 0.0, iter(ask(tier, call)))
        pieces = tuple(stream.read())
        return replace(stream.attempt(), pieces=pieces)

    return whole


def replayed(attempt: Attempt) -> Iterator[Piece]:
    """The pieces of an answer, or the answer as one."""
    if attempt.pieces:
        yield from attempt.pieces
    elif attempt.text:
        yield Piece(attempt.text, attempt.raw)


@dataclass(frozen=True, slots=True)
class Streaming:
    """One call's stream: `hold` keeps the first sentence back until it was looked at."""

    cascade: Cascade
    under: Underway
    question: Ask
    ask: AttemptStream
    hold: bool

    def run(self, chosen: Tier) -> Generator[Piece, None, Answer]:
        """The pieces; an error after the first has left is raised with what was said."""
        stream = self._opened(chosen, "answer")
        while self.hold and (above := self._better(stream)) is not None:
            try:
                dearer = self._opened(above, "escalation")
            except Exception as error:
                if not self.cascade.passes("escalation", error):
                    self._abandon(stream)
                    raise
                break
            self._abandon(stream)
            stream = dearer
        return (yield from self._released(stream))

    def _opened(self, tier: Tier, purpose: Purpose) -> Stream:
        """A stream of the tier's chain that has begun; none of it has left."""
        for one, why in self.under.chain(tier, purpose):
            stream = Stream(one, tier, why, time.perf_counter(), iter(()))
            try:
                stream.parts = iter(self.ask(one, self.under.call))
                self._read_opening(stream)
            except BaseException as error:
                self._failed(stream, error)
                stream.close()
                if not isinstance(error, Exception) or not self.under.goes_on(error):
                    raise
            else:
                return stream
        raise AssertionError("a chain ends with a stream or an error")

    def _read_opening(self, stream: Stream) -> None:
        for piece in stream.read():
            if piece.calls_tool or (piece.text and self._is_opening(stream.text)):
                return

    def _is_opening(self, text: str) -> bool:
        return not self.hold or len(text) >= _LONGEST or _SENTENCE.search(text) is not None

    def _better(self, stream: Stream) -> Tier | None:
        """The dearer tier to ask in place of one whose opening is no answer."""
        found = self._opening_findings(stream)
        if not found:
            return None
        return self.cascade.above(replace(self._answer(stream), findings=tuple(found)), self.under)

    def _opening_findings(self, stream: Stream) -> list[Finding]:
        calls_tool = any(piece.calls_tool for piece in stream.pieces)
        if calls_tool or not (stream.over or stream.text.strip()):
            return []
        attempt = stream.attempt()
        answered = Answered(self.under.call, self.question, attempt, lambda: attempt)
        return [finding for check in OPENING if (finding := check(answered)) is not None]

    def _answer(self, stream: Stream) -> Answer:
        return self.under.answered(stream.tier, stream.stands_for, stream.attempt())

    def _abandon(self, stream: Stream) -> None:
        """Bill what was said and not given."""
        found = self._opening_findings(stream)
        stream.close()
        self.under.found(self._ended(stream), found)

    def _released(self, stream: Stream) -> Generator[Piece, None, Answer]:
        held = list(stream.pieces)
        try:
            yield from held
            yield from stream.read()
            if not stream.pieces:
                yield from replayed(stream.attempt())
        except BaseException as error:
            self._failed(stream, error)
            if isinstance(error, Exception) and stream.text:
                error.add_note(f"the stream was cut after {stream.text[-_SHOWN:]!r}")
            raise
        finally:
            stream.close()
        answer = self._ended(stream)
        call, attempt = self.under.call, answer.attempt
        # What has left cannot be compared with a second answer: it agrees with itself.
        found = self.cascade.findings(call, self.question, attempt, lambda: attempt)
        return self.under.found(answer, found)

    def _ended(self, stream: Stream) -> Answer:
        attempt = self.under.ended(
            stream.tier, self.under.call, stream.purpose, stream.attempt(), started=stream.started
        )
        return self.under.answered(stream.tier, stream.stands_for, attempt)

    def _failed(self, stream: Stream, error: BaseException) -> None:
        self.under.failed(
            stream.tier,
            self.under.call,
            stream.purpose,
            error,
            started=stream.started,
            said=stream.text,
        )
