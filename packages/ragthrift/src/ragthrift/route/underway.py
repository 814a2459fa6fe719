"""One call under way: whom it may ask, and every attempt timed and billed."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ragthrift.route.breaker import CircuitBreaker
from ragthrift.route.call import Attempt, AttemptCall, AttemptRecord, Call, Finding, Purpose
from ragthrift.route.faults import Fault, fault_of, usage_of
from ragthrift.route.gates import why_not
from ragthrift.route.pricing import Pricing
from ragthrift.route.recovery import Recovery
from ragthrift.types import Tier


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tier answered, and where it stands in the bill."""

    tier: Tier
    rung: int
    """The place on the ladder that the tier is at, or stands in for."""
    attempt: Attempt
    line: int
    findings: tuple[Finding, ...] = ()

    @property
    def lost(self) -> float:
        """What its findings take from it."""
        return sum(finding.severity for finding in self.findings)


class Underway:
    """The attempts of one call.

    `ladder` holds the tiers that may answer it, cheap to strong; `spare` those that are only asked
    when all else fails.
    """

    def __init__(
        self,
        call: Call,
        ladder: Sequence[Tier],
        *,
        spare: Sequence[Tier] = (),
        pricing: Pricing,
        breaker: CircuitBreaker,
        recovery: Recovery,
    ) -> None:
        self.call, self.ladder, self._spare = call, tuple(ladder), tuple(spare)
        self._left: list[Tier] = []
        self._asked: Tier | None = None
        self.records: list[AttemptRecord] = []
        self._pricing, self._breaker, self._recovery = pricing, breaker, recovery

    def answer(self, tier: Tier, ask: AttemptCall, purpose: Purpose = "answer") -> Answer:
        """The first answer of a tier's chain; if all fail, the last one's own error.

        An error that would meet any tier is raised at once.
        """
        for one, why in self.chain(tier, purpose):
            try:
                attempt = self.once(one, self.call, ask, why)
            except Exception as error:
                if not self.goes_on(error):
                    raise
            else:
                return self.answered(one, tier, attempt)
        raise AssertionError("a chain ends with an answer or an error")

    def answered(self, one: Tier, stands_for: Tier, attempt: Attempt) -> Answer:
        """The answer on the last line of the bill."""
        names = [tier.name for tier in self.ladder]
        rung = names.index(one.name if one.name in names else stands_for.name)
        return Answer(one, rung, attempt, len(self.records) - 1)

    def chain(self, tier: Tier, purpose: Purpose) -> Iterator[tuple[Tier, Purpose]]:
        """Whom to ask, one after another, as the attempts fail: ask `goes_on` before the next.

        Of many calls one is let through to a tier that was left alone, to find out how it is.
        """
        able = self._able(tier, upwards=purpose == "escalation")
        self._left = [one for one in able if not self._breaker.is_open(one.name)] or [tier]
        while self._left:
            self._asked = one = self._left.pop(0)
            if self._breaker.allows(one.name) or not self._left:
                stands_in = one is not tier and purpose == "answer"
                yield one, "fallback" if stands_in else purpose

    def goes_on(self, error: Exception) -> bool:
        """Whether there is a tier left that may not fail in the same way."""
        fault = fault_of(error)
        if fault is None:
            return False
        if fault == "overflow":
            self._left = [tier for tier in self._left if _roomier(tier, self._asked)]
        return bool(self._left)

    def once(self, tier: Tier, call: Call, ask: AttemptCall, purpose: Purpose) -> Attempt:
        """One attempt, billed whether it answers or fails."""
        started = time.perf_counter()
        try:
            attempt = ask(tier, call)
        except BaseException as error:
            self.failed(tier, call, purpose, error, started=started)
            raise
        return self.ended(tier, call, purpose, attempt, started=started)

    def ended(
        self, tier: Tier, call: Call, purpose: Purpose, attempt: Attempt, *, started: float
    ) -> Attempt:
        """Bill an answer; one whose usage is unknown gets an estimate."""
        estimated = attempt.usage is None
        if attempt.usage is None:
            said = attempt.text + "".join(one.arguments for one in attempt.tool_calls)
            attempt = replace(attempt, usage=self._pricing.estimate(call, said))
        elif purpose != "repair":
            self._pricing.seen(tier, attempt.usage)
        self._breaker.succeeded(tier.name)
        self.records.append(
            AttemptRecord(
                tier.name,
                tier.model,
                purpose,
                attempt.usage,
                self._pricing.bill(tier, attempt.usage),
                time.perf_counter() - started,
                text=attempt.text,
                estimated=estimated,
            )
        )
        return attempt

    def failed(
        self,
        tier: Tier,
        call: Call,
        purpose: Purpose,
        error: BaseException,
        *,
        started: float,
        said: str = "",
    ) -> None:
        """Bill a failure: what it said it used, or by estimate what had come by then."""
        fault = fault_of(error)
        usage = usage_of(error, fault)
        estimated = bool(said) and not _tells(error)
        if estimated:
            usage = self._pricing.estimate(call, said)
        self.records.append(
            AttemptRecord(
                tier.name,
                tier.model,
                purpose,
                usage,
                self._pricing.bill(tier, usage),
                time.perf_counter() - started,
                text=said,
                error=f"{type(error).__name__}: {error}",
                fault=fault,
                estimated=estimated,
            )
        )
        self._tell_breaker(tier, fault)

    def found(self, answer: Answer, findings: Sequence[Finding]) -> Answer:
        """The answer with what was found wrong with it, in the bill too."""
        names = tuple(finding.check for finding in findings)
        self.records[answer.line] = replace(self.records[answer.line], findings=names)
        return replace(answer, findings=tuple(findings))

    def _able(self, tier: Tier, *, upwards: bool) -> list[Tier]:
        """A tier's chain, less what cannot answer the call; never back to a rung below."""
        pinned = self.call.tier is not None
        chain = self._recovery.chain(tier, self.ladder, pinned=pinned)
        if upwards:
            below = self.ladder[: self.ladder.index(tier)]
            return [one for one in chain if one not in below and self._fits(one)]
        return [one for one in chain if self._fits(one)] + ([] if pinned else [*self._spare])

    def _fits(self, tier: Tier) -> bool:
        """The ladder was looked at before."""
        tokens = self._pricing.prompt_tokens(self.call)
        free = replace(self.call, tier=None)
        return tier in self.ladder or why_not(tier, free, tokens) is None

    def _tell_breaker(self, tier: Tier, fault: Fault | None) -> None:
        """A prompt that is too long says nothing of the tier's health."""
        if fault not in (None, "overflow"):
            self._breaker.failed(tier.name)


def _tells(error: BaseException) -> bool:
    return usage_of(error, None) is not None


def _roomier(tier: Tier, than: Tier | None) -> bool:
    if than is None or tier.context_tokens is None or than.context_tokens is None:
        return True
    return tier.context_tokens > than.context_tokens
