"""Answer, check, mend, and ask a dearer tier only where it probably does better."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ragthrift.failures import Tally
from ragthrift.route.ask import Ask
from ragthrift.route.call import Attempt, AttemptCall, Call, Finding
from ragthrift.route.checks import Answered, Check
from ragthrift.route.faults import fault_of
from ragthrift.route.repair import repaired
from ragthrift.route.underway import Answer, Underway
from ragthrift.types import Action, Tier

Gain = Callable[[str, Tier, Tier], float]
"""`(answer, tier, above) -> gain`: the expected gain in quality of asking the tier above."""
Net = Callable[[float, Tier], float]
"""`(gain, above) -> net`: a gain less what the call costs, in quality; not above 0 is not worth
it, nor is anything when the budget is spent."""


@dataclass(frozen=True, slots=True)
class Cascade:
    """The checks of one call, and what decides whether to go up."""

    checks: Sequence[Check]
    gain: Gain
    net: Net
    repairs: int
    tally: Tally

    def run(self, under: Underway, chosen: Tier, question: Ask, ask: AttemptCall) -> Answer:
        """The best answer that was worth its price; the tiers' own errors are raised.

        A failure on the way up leaves the answer that is there.
        """
        best = latest = self._checked(under, under.answer(chosen, ask), question, ask)
        while (above := self.above(latest, under)) is not None:
            try:
                dearer = under.answer(above, ask, "escalation")
            except Exception as error:
                if not self.passes("escalation", error):
                    raise
                break
            latest = self._checked(under, dearer, question, ask)
            best = latest if latest.lost <= best.lost else best
        return best

    def above(self, answer: Answer, under: Underway) -> Tier | None:
        """The dearer tier that is worth asking most, if one is."""
        dearer = under.ladder[answer.rung + 1 :]
        if not dearer or any(finding.remedy == "retrieve" for finding in answer.findings):
            return None
        tier = under.ladder[answer.rung]
        found = max((f.severity * f.fixable for f in answer.findings), default=0.0)
        worth = []
        for one in dearer:
            gain = found
            if answer.attempt.text.strip():
                with self.tally.passing("escalation_model"):
                    gain = max(found, self.gain(answer.attempt.text, tier, one))
            worth.append((self.net(gain, one), one))
        net, best = max(worth, key=lambda pair: pair[0])
        return best if net > 0 else None

    def findings(
        self, call: Call, question: Ask, attempt: Attempt, again: Callable[[], Attempt]
    ) -> list[Finding]:
        """What the checks say; one that fails says nothing."""
        answered = Answered(call, question, attempt, again)
        found: list[Finding] = []
        for check in self.checks:
            with self.tally.passing("check"):
                finding = check(answered)
                found += [finding] if finding is not None else []
        return found

    def _checked(self, under: Underway, answer: Answer, question: Ask, ask: AttemptCall) -> Answer:
        """The answer with its findings, mended by its own tier where that may help."""
        call = under.call
        for spare in range(self.repairs, -1, -1):
            current = answer.tier

            def again(call: Call = call, tier: Tier = current) -> Attempt:
                return under.once(tier, call, ask, "sample")

            found = self.findings(call, question, answer.attempt, again)
            answer = under.found(answer, found)
            wrong = [finding for finding in found if finding.remedy == "repair"]
            if not wrong or not spare:
                break
            call = repaired(call, answer.attempt, wrong)
            try:
                attempt = under.once(answer.tier, call, ask, "repair")
            except Exception as error:
                if not self.passes("repair", error):
                    raise
                break
            answer = Answer(answer.tier, answer.rung, attempt, len(under.records) - 1)
        return answer

    def passes(self, name: str, error: Exception) -> bool:
        """A provider's passing failure is in the bill; any other is raised, if so wished."""
        return fault_of(error) is not None or self.tally.passes(name, error)


def action(findings: Sequence[Finding], call: Call) -> Action:
    """What to do with an answer: a missing document is not made up for by a dearer model."""
    if all(f.check != "missing" and f.remedy != "retrieve" for f in findings):
        return "answer"
    return "retrieve_more" if call.may_retrieve else "abstain"
