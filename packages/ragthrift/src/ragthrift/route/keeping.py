"""What is done with a call when it has been answered, or has failed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ragthrift.failures import Tally
from ragthrift.route.call import AttemptCall, Routed
from ragthrift.route.conversations import Conversations
from ragthrift.route.log import OutcomeLog
from ragthrift.route.shadow import Judge, Shadows
from ragthrift.route.underway import Underway
from ragthrift.route.weighing import Steering, Weighed
from ragthrift.types import Tier


@dataclass(frozen=True, slots=True)
class Keeping:
    """Accounts for calls, remembers conversations, logs, and compares a share of the calls."""

    conversations: Conversations
    log: OutcomeLog | None
    shadows: Shadows
    judge: Judge
    tally: Tally
    on_run: Callable[[Routed], None] | None

    def keep(self, routed: Routed, weighed: Weighed, steering: Steering) -> Routed:
        """The call with its number in the log."""
        self._account(routed, steering)
        routed = self._logged(routed, weighed)
        self._remember(routed, weighed)
        if self.on_run is not None:
            with self.tally.passing("on_run"):
                self.on_run(routed)
        return routed

    def compare(
        self,
        routed: Routed,
        weighed: Weighed,
        ask: AttemptCall,
        begin: Callable[[Sequence[Tier]], Underway],
    ) -> None:
        """Put a share of the calls to all other tiers too, later and on another thread.

        Those that went up are compared like any other, so that the share stands for all. Not calls
        that are pinned or that call tools: their answers cannot be compared.
        """
        answer, tier = routed.answer, routed.tier
        if routed.id is None or answer is None or tier not in weighed.ladder:
            return
        tried = {attempt.tier for attempt in routed.attempts if attempt.error is None}
        others = [one for one in weighed.ladder if one.name not in tried]
        alone = len(weighed.ladder) < 2
        if alone or answer.tool_calls or not self.shadows.drawn():
            return
        self.shadows.submit(lambda: self._compared(routed, weighed, ask, begin(others)))

    def _compared(
        self, routed: Routed, weighed: Weighed, ask: AttemptCall, under: Underway
    ) -> None:
        given = [a for a in routed.attempts if a.error is None and a.purpose != "sample"]
        texts = {attempt.tier: attempt.text for attempt in given}
        qualities: dict[str, float] = {}
        with self.tally.passing("shadow"):
            for other in under.ladder:
                texts[other.name] = under.once(other, weighed.call, ask, "shadow").text
            names = [tier.name for tier in weighed.ladder if tier.name in texts]
            qualities = dict(self.judge(weighed.ask, {name: texts[name] for name in names}))
        self.shadows.spent(sum(record.dollars or 0.0 for record in under.records))
        if self.log is not None and routed.id is not None:
            with self.tally.passing("log"):
                self.log.record_shadow(routed.id, under.records, qualities)

    def _account(self, routed: Routed, steering: Steering) -> None:
        """What a call cost, shadow calls of late included; by expectation where unknown."""
        expected = dict(routed.decision.costs)
        dollars = [
            expected.get(one.tier, 0.0)
            if one.dollars is None and one.error is None
            else one.dollars
            for one in routed.attempts
        ]
        spent = sum(one or 0.0 for one in dollars) + self.shadows.unaccounted()
        qualities = tuple(quality for _, quality in routed.decision.qualities)
        if qualities:
            with self.tally.passing("target"):
                steering.spent(spent, qualities=qualities, costs=tuple(expected.values()))

    def _logged(self, routed: Routed, weighed: Weighed) -> Routed:
        if self.log is None:
            return routed
        call, ask = weighed.call, weighed.ask
        needs_fit = call.schema is not None or bool(call.tools)
        with self.tally.passing("log"):
            number = self.log.record(
                routed, ask, needs_fit=needs_fit, shadow_share=self.shadows.share
            )
            routed = replace(routed, id=number)
            # A step of an agent comes with the question of the step before: nobody asked again.
            if call.messages and call.messages[-1].role == "user":
                before = self.conversations.asked_before(call.conversation, ask.question)
                if before is not None:
                    self.log.asked_again(before)
        return routed

    def _remember(self, routed: Routed, weighed: Weighed) -> None:
        answer, tier = routed.answer, routed.tier
        if answer is None or tier is None or routed.error:
            return
        self.conversations.took(
            weighed.call.conversation,
            tier=tier.name,
            tokens=answer.usage.total_tokens if answer.usage else 0,
            question=weighed.ask.question,
            call=routed.id,
        )
