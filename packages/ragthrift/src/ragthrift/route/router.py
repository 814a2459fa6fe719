"""The cheapest tier that is expected to answer well enough, checked before its answer leaves."""

import os
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Literal, Self

from ragthrift.errors import InputError
from ragthrift.failures import Tally
from ragthrift.pipeline import OnError
from ragthrift.route.breaker import CircuitBreaker
from ragthrift.route.call import AttemptCall, AttemptStream, Call, Piece, Routed
from ragthrift.route.cascade import Cascade, action
from ragthrift.route.checks import CHECKS, Check
from ragthrift.route.controller import Controller
from ragthrift.route.conversations import Conversations
from ragthrift.route.defaults import ByRank, steering_to
from ragthrift.route.dominated import Dominated, dominated
from ragthrift.route.escalation import EscalationModel
from ragthrift.route.keeping import Keeping
from ragthrift.route.learned import LearnedQuality
from ragthrift.route.learned_escalation import LearnedEscalation
from ragthrift.route.log import OutcomeLog
from ragthrift.route.outcome import Outcome
from ragthrift.route.pricing import Pricing
from ragthrift.route.quality import QualityModel
from ragthrift.route.recovery import Recovery
from ragthrift.route.shadow import Judge, Shadows, agrees_with_strongest
from ragthrift.route.streams import Streaming, collected, replayed
from ragthrift.route.targets import Rate, Target, calibrate
from ragthrift.route.underway import Answer, Underway
from ragthrift.route.weighing import Explanation, Weighed, Weighing
from ragthrift.types import Decision, Message, Passage, Tier
from ragthrift.usage import Savings

Hold = Literal["sentence"]
_TYPICAL = Call((), prompt_tokens=1000)
"""For ratios of costs where no call is at hand."""


class Router:
    """Chooses a tier for each call, and can run the call.

    >>> from ragthrift import Price, Usage
    >>> from ragthrift.route import Attempt
    >>> tiers = [Tier("cheap", "small", Price(0.1, 0.4)), Tier("strong", "large", Price(3, 15))]
    >>> call = Call([Message("user", "When does the canteen open?")])
    >>> routed = Router(tiers).run(call, lambda tier, call: Attempt("At nine.", Usage(12, 3)))
    >>> routed.answer.text, routed.action, len(routed.attempts)
    ('At nine.', 'answer', 1)

    `tiers` are ordered cheap to strong. `target` is a `Budget` or a `Quality`, which the
    strongest tier keeps until `calibrate` has seen outcomes.
    `model` and `escalation` expect quality before and after an answer is there; `None` is what
    is known without labels. `checks` look at answers. `log` is a file, or a log. `sticky` counts
    a conversation's warm prompt cache. `shadow_share` of the calls are put to the other tiers too,
    and `judge` says how good the answers are. `on_error="pass"` goes on when a check, a model or
    the log fails, logs it once and counts it in `failures`; a tier's error is raised as it is when
    no other tier is left. `on_run` is called with every `Routed`, failed calls too: the place for
    a ledger. Safe for threads.
    """

    def __init__(  # noqa: PLR0913 - one argument for each part that can be replaced
        self,
        tiers: Sequence[Tier],
        *,
        target: Target | None = None,
        model: QualityModel | None = None,
        escalation: EscalationModel | None = None,
        checks: Sequence[Check] = CHECKS,
        recovery: Recovery | None = None,
        log: OutcomeLog | str | os.PathLike[str] | None = None,
        sticky: bool = True,
        shadow_share: float = 0.0,
        judge: Judge = agrees_with_strongest,
        on_error: OnError = "pass",
        on_run: Callable[[Routed], None] | None = None,
    ) -> None:
        self._recovery = recovery or Recovery()
        self.tiers = _distinct(tiers, self._recovery)
        if shadow_share and log is None:
            raise InputError("shadow_share needs a log to write to; give the router log='FILE'")
        self._tally = Tally("router", on_error)
        shadows = Shadows(shadow_share)
        self.checks = tuple(checks)
        self._pricing = Pricing(self.tiers)
        self._breaker = CircuitBreaker(self._recovery.open_after, self._recovery.open_seconds)
        known = Conversations()
        self._own_log = log is not None and not isinstance(log, OutcomeLog)
        self.log = log if isinstance(log, OutcomeLog) or log is None else OutcomeLog(log)
        self._keeping = Keeping(known, self.log, shadows, judge, self._tally, on_run)
        self._escalation = escalation or LearnedEscalation(prior=ByRank(self.tiers))
        self._weighing = Weighing(
            self.tiers,
            model or LearnedQuality(),
            steering_to(target),
            self._pricing,
            known if sticky else None,
            self._tally,
        )
        self._learning = threading.Lock()

    @property
    def failures(self) -> dict[str, int]:
        """How often each part failed and was passed over."""
        return self._tally.failures()

    @property
    def dominated(self) -> tuple[Dominated, ...]:
        """Tiers that are dearer and worse than another by what was learnt: not chosen any more."""
        return self._weighing.dominated

    def route(self, messages: Sequence[Message], passages: Sequence[Passage] = ()) -> Decision:
        """The tier to call and why; asks and remembers nothing."""
        return self.choose(Call(messages, passages or None))

    def choose(self, call: Call) -> Decision:
        """The same for a call with needs of its own: tools, a schema, a conversation."""
        return self._weighing.weigh(call).decision

    def explain(self, call: Call) -> Explanation:
        """The choice with all that it was made from."""
        return self._weighing.explained(call)

    def run(self, call: Call, attempt: AttemptCall) -> Routed:
        """Choose, ask, check, mend, and go up or aside where that helps.

        `attempt(tier, call)` asks the tier's model once and raises its error as it is. If every
        tier fails, the last one's error is raised; `on_run` and the log then have the bill.
        """
        weighed = self._weighing.weigh(call)
        under = self._underway(call, weighed)
        answer, error = None, None
        try:
            tier = weighed.decision.tier
            answer = self._cascade(weighed).run(under, tier, weighed.ask, attempt)
        except BaseException as caught:
            error = caught
            raise
        finally:
            routed = self._kept(weighed, under, answer, error, attempt)
        return routed

    def stream(
        self,
        call: Call,
        attempt: AttemptStream,
        *,
        hold: Hold | None = None,
        verify: bool = False,
    ) -> Generator[Piece, None, Routed]:
        """The answer in pieces; the generator returns the `Routed`.

        The tier is chosen before it begins. Until the first piece has left, another tier takes the
        place of one that fails; after it the error is raised, with what was said in a note.
        `hold="sentence"` keeps the first sentence back and goes up if it is no answer; `verify`
        keeps the whole back, runs all of `run`, and then replays it.
        """
        if hold not in (None, "sentence"):
            raise InputError(f"hold={hold!r} must be 'sentence' or None")
        whole = collected(attempt)
        if verify:
            routed = self.run(call, whole)
            yield from replayed(routed.answer) if routed.answer else ()
            return routed
        weighed = self._weighing.weigh(call)
        under = self._underway(call, weighed)
        answer, error = None, None
        streaming = Streaming(self._cascade(weighed), under, weighed.ask, attempt, bool(hold))
        try:
            answer = yield from streaming.run(weighed.decision.tier)
        except BaseException as caught:
            error = caught
            raise
        finally:
            routed = self._kept(weighed, under, answer, error, whole)
        return routed

    def fit(self, outcomes: Sequence[Outcome]) -> None:
        """Learn from outcomes, such as `log.outcomes()`, in place of what was learnt before."""
        with self._learning:
            weighing = self._weighing
            costs = {tier.name: self._pricing.expected(tier, _TYPICAL) for tier in self.tiers}
            self._escalation = self._escalation.fit(outcomes)
            self._weighing = replace(
                weighing,
                model=weighing.model.fit(outcomes),
                dominated=tuple(dominated(outcomes, costs)),
            )

    def calibrate(
        self, target: Target, outcomes: Sequence[Outcome], *, calls_per_day: float | None = None
    ) -> Rate:
        """Find the rate that meets a target on outcomes, and hold the target from now on.

        Call it after `fit`, with the same outcomes if need be: they are judged by models that were
        not fitted on them. Raises `InputError` below 20 outcomes that hold every tier's quality.
        """
        with self._learning:
            weighing = self._weighing
            beaten = {one.tier for one in weighing.dominated}
            tiers = [tier for tier in self.tiers if tier.name not in beaten] or list(self.tiers)
            names = [tier.name for tier in tiers]
            costs = [self._pricing.expected(tier, _TYPICAL) for tier in tiers]
            rate = calibrate(
                target, outcomes, weighing.model, names, costs, calls_per_day=calls_per_day
            )
            self._weighing = replace(weighing, steering=Controller(target, rate))
        return rate

    def settle(self) -> None:
        """Wait for the shadow calls under way, to learn from them next."""
        self._keeping.shadows.settle()

    def close(self) -> None:
        """Finish shadow calls, and let go of a log that this router opened."""
        self._keeping.shadows.close()
        if self._own_log and self.log is not None:
            self.log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _underway(
        self, call: Call, weighed: Weighed, only: Sequence[Tier] | None = None
    ) -> Underway:
        return Underway(
            call,
            weighed.ladder if only is None else only,
            spare=weighed.spare if only is None else (),
            pricing=self._pricing,
            breaker=self._breaker,
            recovery=self._recovery,
        )

    def _cascade(self, weighed: Weighed) -> Cascade:
        escalation = self._escalation

        def gain(answer: str, tier: Tier, above: Tier) -> float:
            return escalation.gain(weighed.ask, answer, tier.name, above.name)

        def net(gain: float, tier: Tier) -> float:
            tokens = weighed.prompt_tokens
            cost = self._pricing.expected(tier, weighed.call, prompt_tokens=tokens)
            return -cost if weighed.capped else gain - weighed.rate * cost

        return Cascade(self.checks, gain, net, self._recovery.repairs, self._tally)

    def _saved(self, routed: Routed, weighed: Weighed) -> Savings | None:
        usage = routed.answer.usage if routed.answer else None
        before = self._pricing.bill(weighed.ladder[-1], usage)
        after = routed.dollars
        return None if before is None or after is None else Savings(before, after)

    def _kept(
        self,
        weighed: Weighed,
        under: Underway,
        answer: Answer | None,
        error: BaseException | None,
        ask: AttemptCall,
    ) -> Routed:
        findings = answer.findings if answer else ()
        routed = Routed(
            weighed.decision,
            answer.attempt if answer else None,
            answer.tier if answer else None,
            tuple(under.records),
            action=action(findings, weighed.call),
            findings=findings,
            error=error,
        )
        routed = replace(routed, savings=self._saved(routed, weighed))
        routed = self._keeping.keep(routed, weighed, self._weighing.steering)
        self._keeping.compare(
            routed, weighed, ask, lambda others: self._underway(weighed.call, weighed, others)
        )
        return routed


def _distinct(tiers: Sequence[Tier], recovery: Recovery) -> tuple[Tier, ...]:
    """The tiers, if every name stands for one of them or their fallbacks."""
    if not tiers:
        raise InputError("a router needs at least one tier to choose from")
    names = [tier.name for tier in tiers]
    strange = set(recovery.fallbacks) - set(names)
    if strange:
        raise InputError(f"fallbacks are given for {sorted(strange)}, the tiers are {names}")
    names += [tier.name for others in recovery.fallbacks.values() for tier in others]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{twice} name more than one tier; give each a name of its own")
    return tuple(tiers)
