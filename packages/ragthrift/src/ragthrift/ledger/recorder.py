"""Makes calls of what frameworks tell, behind the request, and gives them to a ledger."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol, Self

from ragthrift.errors import InputError
from ragthrift.failures import Tally
from ragthrift.ledger.behind import EXIT_SECONDS, Behind
from ragthrift.ledger.call import UNTAGGED, Call, Segment
from ragthrift.ledger.observed import Observed
from ragthrift.ledger.prompt_parts import question_in, segments_of, split
from ragthrift.ledger.reading_usage import BilledTokens
from ragthrift.ledger.signature import signature
from ragthrift.ledger.trimming import trimmed
from ragthrift.pipeline import OnError
from ragthrift.protocols import TokenCounter
from ragthrift.tokens import EstimatedTokens
from ragthrift.usage import Savings, Usage

Tell = Callable[[], Iterable[Observed]]
"""Reads what a framework has handed over; run behind."""


_ALIKE = (
    "at",
    "id",
    "session",
    "trace",
    "seconds",
    "first_token_seconds",
    "max_tokens",
    "finish_reason",
    "retries",
    "error",
    "tags",
)
"""Fields that a call has from what was observed as they are."""


class Records(Protocol):
    """What a recorder needs of a ledger."""

    def record(self, call: Call) -> None:
        """Keep a call."""
        ...


class Recorder:
    """Records model calls in a ledger without holding them up.

    Reading, counting and hashing are done in a thread behind. Nothing is raised into the
    application: what fails is logged once, and counted in `failures`; what finds the queue full is
    counted as dropped. `flush` waits for the rest, and a program that ends does, too.

    `request_type` names a call by what is known of it; where it gives nothing, the framework's own
    name holds. Texts are hashed, and kept besides only with `keep_text`. `counter` counts the parts
    of a prompt, whose sum is then what the provider billed. `on_error="raise"` is for tests: calls
    are recorded at once, and errors raised.

    >>> from ragthrift import Message
    >>> from ragthrift.ledger.prompt_parts import Prompt
    >>> calls = []
    >>> class Kept:
    ...     record = staticmethod(calls.append)
    >>> with Recorder(Kept(), request_type=lambda told: "faq") as recorder:
    ...     prompt = Prompt(messages=[Message("user", "When is soup?")])
    ...     recorder.put(lambda: [Observed(prompt=prompt, answer="At noon.", model="gpt-5-mini")])
    >>> calls[0].request_type, calls[0].measured, calls[0].usage.input_tokens
    ('faq', False, 4)
    """

    def __init__(
        self,
        ledger: Records,
        *,
        keep_text: bool = False,
        request_type: Callable[[Observed], str | None] | None = None,
        counter: TokenCounter | None = None,
        on_error: OnError = "pass",
        room: int = 10_000,
    ) -> None:
        if not callable(getattr(ledger, "record", None)):
            raise InputError(f"{ledger!r} has no record(call); open one: open_ledger('calls.db')")
        self.ledger, self.on_error = ledger, on_error
        self._keep_text, self._request_type = keep_text, request_type
        self._counter = counter or EstimatedTokens()
        self.tally = Tally("recorder", on_error)
        signature("?")  # imports numpy now: a fork while the thread behind does leaves half of it
        self._behind = Behind(self.tally, room=room)
        self._last: dict[str, Call] = {}

    @classmethod
    def of(cls, ledger: "Records | Recorder") -> "Recorder":
        """A recorder for a ledger; one that is given stays as it is."""
        return ledger if isinstance(ledger, Recorder) else cls(ledger)

    @property
    def failures(self) -> dict[str, int]:
        """How often each part failed and was passed over."""
        return self.tally.failures()

    @property
    def dropped(self) -> int:
        """Calls that found the queue full."""
        return self.tally.counts().get("dropped", 0)

    def put(self, tell: Tell) -> None:
        """Record the calls that `tell` gives, behind."""
        if self.on_error == "raise":
            self._record(tell)
        else:
            self._behind.put(lambda: self._record(tell))

    def flush(self, seconds: float | None = EXIT_SECONDS) -> bool:
        """Wait until all is recorded, and written if the ledger can flush; whether it is."""
        done = self._behind.flush(seconds)
        flush = getattr(self.ledger, "flush", None)
        if callable(flush):
            with self.tally.passing("flush"):
                flush()
        return done

    def close(self) -> None:
        """Flush; the ledger stays open."""
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _record(self, tell: Tell) -> None:
        for observed in tell():
            call = self.call(observed)
            if not (call.answered_by_cache or call.error):
                self._last[call.request_type] = call
            self.ledger.record(call)

    def call(self, told: Observed) -> Call:
        """The call that was observed."""
        billed, prompt = told.billed, told.prompt
        parts = split(prompt)
        segments = segments_of(
            prompt,
            parts,
            answer=told.answer,
            tokens=billed.usage.input_tokens if billed and told.whole else None,
            counter=self._counter,
            keep_text=self._keep_text,
        )
        named = self._type_of(told)
        used = billed or self._estimated(told, segments)
        call = Call(
            model=told.model,
            usage=used.usage,
            classes=used.classes,
            provider=told.provider,
            processing=used.processing,
            measured=billed is not None,
            answered_by_cache=told.answered_by_cache,
            request_type=named,
            purpose=told.purpose,
            segments=segments,
            question=signature(question_in(prompt, parts)),
            savings=self._savings(told),
            **{name: getattr(told, name) for name in _ALIKE},
        )
        unmade = told.answered_by_cache and not told.model
        return self._as_the_last(call) if unmade else call

    def _as_the_last(self, call: Call) -> Call:
        """A call that a cache spared, with model and tokens of the last one of its type."""
        last = self._last.get(call.request_type)
        if last is None:
            return call
        return replace(call, model=last.model, provider=last.provider, usage=last.usage)

    def _estimated(self, told: Observed, segments: Iterable[Segment]) -> BilledTokens:
        """What a call used that nobody counted."""
        if told.unbilled:
            return BilledTokens(Usage())
        if told.silent and not told.answered_by_cache:
            self.tally.warn(
                "uncounted",
                f"a model's usage is not told, so that its tokens are estimated; {told.silent}",
            )
        prompt = sum(segment.tokens for segment in segments)
        return BilledTokens(Usage(prompt, self._counter.count(told.answer)))

    def _type_of(self, told: Observed) -> str:
        named = None
        if self._request_type:
            with self.tally.passing("request_type"):
                named = self._request_type(told)
        return str(named or told.request_type or UNTAGGED)

    def _savings(self, told: Observed) -> dict[str, Savings]:
        """Of each lever, all that it took from this prompt's documents."""
        found: dict[str, Savings] = {}
        for before, after in told.trims:
            for name, saved in trimmed(before, after, self._counter).items():
                found[name] = found[name] + saved if name in found else saved
        return found
