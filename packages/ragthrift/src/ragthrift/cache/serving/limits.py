"""From which confidence answers are served: the aim, or the certificates when a limit is set."""

from collections.abc import Mapping
from typing import Any, Self

from ragthrift.cache.serving.aim import OF_HITS, Aim
from ragthrift.cache.serving.bound import Certificate
from ragthrift.cache.serving.drift import Drift


class Limits:
    """The threshold in force, what it rests on, and what tightens it."""

    def __init__(self, of_hits: float | None = None, of_all: float | None = None) -> None:
        self._certificates = [
            Certificate(limit, of_hits=hits)
            for limit, hits in ((of_hits, True), (of_all, False))
            if limit is not None
        ]
        self._aim = Aim()
        self._drift = Drift(expected=of_hits or max(2 * (of_all or 0), OF_HITS))

    @property
    def certified(self) -> bool:
        """Whether a limit is set, so that nothing is served before it is certified."""
        return bool(self._certificates)

    @property
    def threshold(self) -> float:
        """Confidence from which answers are served; above 1 while none may be."""
        if not self._certificates:
            return self._drift.tightened(self._aim.threshold)
        found = [certificate.threshold for certificate in self._certificates]
        known = [threshold for threshold in found if threshold is not None]
        return self._drift.tightened(max(known)) if len(known) == len(found) else 1.01

    def why(self) -> str:
        """What the threshold rests on, for a reason of one sentence."""
        kind = "certified" if self.certified else "expected"
        if self.threshold > 1:
            return "no threshold is certified yet"
        drift = f", tightened {self._drift.level} times by drift" if self._drift.level else ""
        return f"the {kind} threshold {self.threshold:.3f}{drift}"

    def asked(self, confidence: float) -> None:
        """One request."""
        self._aim.asked(confidence)

    def served(self, confidence: float, *, audit_share: float) -> None:
        """One answer served without a look, though it had a chance of `audit_share` of one."""
        self._observe(confidence, wrong=False, looked=False, probability=audit_share)

    def labelled(
        self,
        confidence: float,
        right: bool | None,
        *,
        audit: bool,
        audit_share: float,
        servable: bool = True,
    ) -> None:
        """One request whose answer was compared; what cannot be told counts as wrong in a bound.

        One that is never `servable`, whatever its confidence, is no part of a bound.
        """
        probability = audit_share if audit else 1.0
        if servable:
            self._observe(confidence, wrong=right is not True, looked=True, probability=probability)
        if right is None:
            return
        self._aim.labelled(confidence, right, weight=4.0 if audit else 1.0)
        if audit and self._drift.audited(wrong=not right):
            for certificate in self._certificates:
                certificate.revoke()

    def _observe(self, confidence: float, *, wrong: bool, looked: bool, probability: float) -> None:
        if not looked and probability <= 0:
            return  # without audits a serving says nothing
        for certificate in self._certificates:
            certificate.observe(confidence, wrong, looked=looked, probability=probability)

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        return {
            "certificates": [certificate.state() for certificate in self._certificates],
            "aim": self._aim.state(),
            "drift": [self._drift.score, self._drift.level, self._drift.calm],
        }

    def restored(self, state: Mapping[str, Any]) -> Self:
        """These limits with what a saved state learnt; a changed limit starts anew."""
        saved = [Certificate.restore(row) for row in state["certificates"]]
        if [c.limit for c in saved] == [c.limit for c in self._certificates]:
            self._certificates = saved
        self._aim = Aim.restore(state["aim"])
        score, level, calm = state["drift"]
        self._drift = Drift(self._drift.expected, float(score), int(level), int(calm))
        return self
