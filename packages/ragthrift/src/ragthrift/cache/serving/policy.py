"""Whether a stored answer may be served: the one decision of the cache."""

import random
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from ragthrift.cache.serving.answers import AnswersAgree, answers_agree
from ragthrift.cache.serving.features import NAMES, vector
from ragthrift.cache.serving.limits import Limits
from ragthrift.cache.serving.model import PooledModel
from ragthrift.cache.serving.neighbour import Agreement, Label, Neighbour, Serving
from ragthrift.cache.serving.opinion import SecondOpinion, ask
from ragthrift.cache.serving.shadow import Shadow, ShadowReport
from ragthrift.cache.serving.vetoes import Vetoes
from ragthrift.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_GREY = 0.3
"""From this confidence up to the threshold a second opinion is worth its price."""
_NEAR = 0.65
"""Cosine below which nothing is served: what is out of scope may lie in a dense group's reach."""
_GROUPS = 20_000


class ServingPolicy:
    """Decides, explains, and learns from what the model answers after a miss or an audit.

    Without a limit it aims for at most 2 % wrong hits and 1 % wrong answers of all requests, and
    serves from the first question on. With `max_error_rate` (wrong of hits) or
    `max_error_rate_of_all` (wrong of all requests) it serves nothing before a threshold is
    certified at 95 %. Safe to share between threads.

    >>> near = Neighbour("1", "What are your opening hours?", "9 to 5", 0.97, "hours")
    >>> ServingPolicy(audit_share=0).decide("what are your opening hours", [near]).serve
    True
    >>> ServingPolicy(max_error_rate=0.01).decide("what are your opening hours", [near]).reason
    'not served: no threshold is certified yet, confidence 0.9...
    """

    def __init__(
        self,
        *,
        max_error_rate: float | None = None,
        max_error_rate_of_all: float | None = None,
        vetoes: Vetoes | None = None,
        agree: AnswersAgree = answers_agree,
        second_opinion: SecondOpinion | None = None,
        opinion_timeout: float = 1.0,
        audit_share: float = 0.02,
        seed: int | None = None,
    ) -> None:
        if not 0 <= audit_share <= 1:
            raise InputError(f"audit_share is a share, 0 to 1, not {audit_share}")
        self._vetoes = vetoes or Vetoes()
        self._agree = agree
        self._opinion = second_opinion
        self._timeout = opinion_timeout
        self._share = audit_share
        self._random = random.Random(seed)
        self._lock = threading.RLock()
        self._model = PooledModel()
        self._limits = Limits(max_error_rate, max_error_rate_of_all)
        self._shadow = Shadow()
        self._joined: OrderedDict[str, int] = OrderedDict()
        self._audits = [0, 0]
        self._taught = False

    def decide(self, question: str, neighbours: Sequence[Neighbour]) -> Serving:
        """Whether the best neighbour's answer may be served; nearest first or in any order."""
        ordered = sorted(neighbours, key=lambda n: -n.similarity)
        candidate, veto = self._candidate(question, ordered)
        if candidate is None:
            with self._lock:
                self._limits.asked(0.0)
            return Serving(None, False, 0.0, "not served: nothing is stored near the question")
        with self._lock:
            weighed = self._weigh(question, candidate, ordered)
            confidence = 0.0 if veto else self._model.probability(weighed)
            threshold = self._limits.threshold
        note = ""
        far = candidate.similarity < _NEAR
        if self._opinion and not far and _GREY <= confidence < threshold:
            confidence, note = ask(self._opinion, question, candidate, timeout=self._timeout)
        return self._decided(candidate, confidence, weighed, veto, note)

    def learn(
        self, question: str, neighbours: Sequence[Neighbour], answer: str, *, serving: Serving
    ) -> Label:
        """What a fresh answer says about the candidate of `serving`, and the group it belongs to.

        Call it after every miss and every audit; a served answer has no fresh one to learn from.
        """
        known = {neighbour.entry_id for neighbour in neighbours}
        if serving.neighbour is not None and serving.neighbour.entry_id not in known:
            raise InputError(f"the serving belongs to other neighbours than {question!r} has")
        agreement, group = self._compare(neighbours, answer, serving)
        right = {"agreed": True, "disagreed": False}.get(agreement)
        with self._lock:
            self._taught = True
            self._count(serving, right)
            if group is not None:
                self._join(group)
        return Label(agreement, group)

    def shadowed(self, serving: Serving, label: Label) -> None:
        """Count a decision that was not acted on, with what the model answered instead."""
        right = {"agreed": True, "disagreed": False}.get(label.agreement)
        self._shadow.observe(would_serve=serving.serve or serving.audit, right=right)

    def shadow_report(self) -> ShadowReport:
        """What would have been served so far, and how wrong."""
        return self._shadow.report()

    def explain(self, question: str, neighbours: Sequence[Neighbour]) -> str:
        """A decision in words, without taking it: nothing is counted, audited or asked."""
        ordered = sorted(neighbours, key=lambda n: -n.similarity)
        candidate, veto = self._candidate(question, ordered)
        if candidate is None:
            return "not served: nothing is stored near the question"
        with self._lock:
            weighed = self._weigh(question, candidate, ordered)
            confidence = 0.0 if veto else self._model.probability(weighed)
            far = "the nearest stored question is too far away"
            veto = veto or (None if candidate.similarity >= _NEAR else far)
            verdict = self._reason(confidence, veto, "")
        lines = [verdict, f"candidate: {candidate.question!r} ({candidate.entry_id})"]
        return "\n".join([*lines, *self._terms(weighed)])

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        with self._lock:
            return {
                "version": 1,
                "model": self._model.state(),
                "limits": self._limits.state(),
                "shadow": self._shadow.state(),
                "joined": list(self._joined.items()),
                "audits": list(self._audits),
            }

    @classmethod
    def restore(cls, state: Mapping[str, Any], **settings: Any) -> Self:
        """A policy with `settings` of `__init__` that knows what the saved one had learnt."""
        policy = cls(**settings)
        policy.adopt(state)
        return policy

    @property
    def taught(self) -> bool:
        """Whether it has learnt, or taken over, anything."""
        return self._taught

    def adopt(self, state: Mapping[str, Any]) -> None:
        """Take over what a saved policy had learnt, in place of what this one has."""
        if state.get("version") != 1:
            raise InputError(
                "this is no state of a ServingPolicy of this version; start without it"
            )
        model, shadow = PooledModel.restore(state["model"]), Shadow.restore(state["shadow"])
        joined = OrderedDict((str(group), int(size)) for group, size in state["joined"])
        with self._lock:
            self._limits = self._limits.restored(state["limits"])
            self._model, self._shadow, self._joined = model, shadow, joined
            self._audits, self._taught = list(state["audits"]), True

    def _candidate(
        self, question: str, ordered: Sequence[Neighbour]
    ) -> tuple[Neighbour | None, str | None]:
        """The nearest neighbour that nothing forbids, else the nearest and what forbids it."""
        reasons = []
        for neighbour in ordered:
            reason = self._vetoes.against(question, neighbour.question)
            if reason is None:
                return neighbour, None
            reasons.append(reason)
        return (ordered[0], reasons[0]) if ordered else (None, None)

    def _count(self, serving: Serving, right: bool | None) -> None:
        if serving.neighbour is not None and serving.confidence > 0:
            self._limits.labelled(
                serving.confidence,
                right,
                audit=serving.audit,
                audit_share=self._share or 1.0,
                servable=serving.neighbour.similarity >= _NEAR,
            )
        if right is not None and serving.features:
            self._model.learn([value for _, value in serving.features], right)
        if right is not None and serving.audit:
            self._audits[0 if right else 1] += 1

    def _join(self, group: str) -> None:
        self._joined[group] = self._joined.get(group, 0) + 1
        self._joined.move_to_end(group)
        if len(self._joined) > _GROUPS:
            self._joined.popitem(last=False)

    def _weigh(
        self, question: str, candidate: Neighbour, ordered: Sequence[Neighbour]
    ) -> "NDArray[np.float64]":
        right, wrong = self._audits
        rate = (right + 19) / (right + wrong + 20)
        size = 1 + self._joined.get(candidate.group, 0)
        return vector(question, candidate, ordered, size, rate)

    def _decided(
        self,
        candidate: Neighbour,
        confidence: float,
        weighed: "NDArray[np.float64]",
        veto: str | None,
        note: str,
    ) -> Serving:
        with self._lock:
            near = candidate.similarity >= _NEAR
            fit = near and confidence >= self._limits.threshold
            far = None if near else "the nearest stored question is too far away"
            reason = self._reason(confidence, veto or far, note)
            self._limits.asked(confidence)
            audit = fit and self._random.random() < self._share
            if fit and not audit:
                self._limits.served(confidence, audit_share=self._share)
        if audit:
            reason = f"audited: {reason}"
        pairs = tuple(zip(NAMES, map(float, weighed), strict=True))
        return Serving(candidate, fit and not audit, confidence, reason, pairs, audit)

    def _reason(self, confidence: float, veto: str | None, note: str) -> str:
        if veto:
            return f"not served: {veto}"
        served = confidence >= self._limits.threshold
        said = f", {note}" if note else ""
        side = "reaches" if served else "is below"
        if self._limits.threshold > 1:
            return f"not served: {self._limits.why()}, confidence {confidence:.3f}{said}"
        verdict = "served" if served else "not served"
        return f"{verdict}: confidence {confidence:.3f} {side} {self._limits.why()}{said}"

    def _terms(self, weighed: "NDArray[np.float64]") -> list[str]:
        terms = sorted(self._model.terms(weighed).items(), key=lambda term: -abs(term[1]))
        values = dict(zip(NAMES, weighed, strict=True))
        return [
            f"{name} {values[name]:.3f}: {term:+.2f}" for name, term in terms if abs(term) > 0.005
        ]

    def _compare(
        self, neighbours: Sequence[Neighbour], answer: str, serving: Serving
    ) -> tuple[Agreement, str | None]:
        """Agreement with the candidate, and the group of the nearest neighbour that agrees."""
        said: dict[str, bool | None] = {}
        ordered = sorted(neighbours, key=lambda n: -n.similarity)
        chosen = serving.neighbour
        for neighbour in [chosen, *ordered] if chosen else ordered:
            if neighbour.answer not in said:
                said[neighbour.answer] = self._agree(answer, neighbour.answer)
        group = next((n.group for n in ordered if said[n.answer]), None)
        if chosen is None or said[chosen.answer] is None:
            return "unknown", group
        return ("agreed", group or chosen.group) if said[chosen.answer] else ("disagreed", group)
