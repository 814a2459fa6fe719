"""Answers of the length that is needed: asked for, limited, watched, and weighed."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from math import ceil

from ragthrift.errors import InputError
from ragthrift.failures import Tally
from ragthrift.ledger import UNTAGGED, Call, digest
from ragthrift.pipeline import OnError
from ragthrift.prompt.output.allowance import Allowance, instruction
from ragthrift.prompt.output.asking import Asking, Outcome, Plan
from ragthrift.prompt.output.learning import lengths_of
from ragthrift.prompt.output.trial import OutputSaving, Trial
from ragthrift.tokens import EstimatedTokens
from ragthrift.types import Price

log = logging.getLogger(__name__)

_WATCHED = 200
_LEAST_WATCHED = 20
_STEP = 1.5


class OutputBudget:
    """For each type of request an instruction, put last, and a limit that has room for thinking.

    A share `holdout` of the conversations, drawn by a digest of their names, gets neither, so that
    `saving` can compare. Where more than `max_truncated` of a type's last answers met the limit,
    it rises by half. With `retry` an answer that met it is asked for once more with a limit four
    times as high, and both are counted. A model that thinks, in a type whose thinking is not known,
    gets no limit: it would think until the limit and answer nothing.

    Types without an allowance get `default`, or are left alone. Safe for threads.

    >>> budget = OutputBudget({"faq": Allowance.of(120)}, holdout=0)
    >>> asking = budget.asking("faq", "When is payday?")
    >>> asking.instruction, asking.max_tokens
    ('Answer in at most 90 words. Leave out what was not asked for.', 150)
    """

    def __init__(
        self,
        allowances: Mapping[str, Allowance],
        *,
        default: Allowance | None = None,
        holdout: float = 0.1,
        max_truncated: float = 0.05,
        retry: bool = False,
        wording: Callable[[int], str] = instruction,
        on_error: OnError = "pass",
    ) -> None:
        if not (0 <= holdout < 1 and 0 < max_truncated <= 1):
            raise InputError(
                f"holdout={holdout} must be from 0 to below 1, "
                f"max_truncated={max_truncated} above 0 and at most 1"
            )
        self.holdout = holdout
        self.tally = Tally("output budget", on_error)
        self._allowances, self._default = dict(allowances), default
        self._max_truncated, self._retry, self._wording = max_truncated, retry, wording
        self._lock = threading.Lock()
        self._watched: dict[str, deque[bool]] = {}
        self._trial = Trial()

    @classmethod
    def learn(  # noqa: PLR0913 - what is learnt, and what is made of it
        cls,
        calls: Iterable[Call],
        *,
        percentile: float = 0.95,
        target: float = 0.5,
        margin: float = 0.25,
        holdout: float = 0.1,
        max_truncated: float = 0.05,
        retry: bool = False,
        wording: Callable[[int], str] = instruction,
        on_error: OnError = "pass",
    ) -> "OutputBudget":
        """From a ledger: asks for the `target` quantile, limits to `percentile` and `margin` on it.

        An answer that was cut off counts as longer than it is. Types with few calls, or too many
        cut off, get no limit. Learn from calls without a budget: those before it began, or
        `without_budget` of those since; answers that were made short teach ever shorter ones.
        """
        if not (0 < target <= percentile < 1 and margin >= 0):
            raise InputError(
                f"target={target} and percentile={percentile} must be above 0 and below 1, in this "
                f"order, and margin={margin} not below 0"
            )
        found = {
            name: lengths.allowance(percentile=percentile, target=target, margin=margin)
            for name, lengths in lengths_of(calls).items()
        }
        return cls(
            found,
            holdout=holdout,
            max_truncated=max_truncated,
            retry=retry,
            wording=wording,
            on_error=on_error,
        )

    @property
    def allowances(self) -> dict[str, Allowance]:
        """As they are now, raised ones too."""
        with self._lock:
            return dict(self._allowances)

    def asking(
        self,
        request_type: str = UNTAGGED,
        key: str = "",
        *,
        thinks: bool = False,
        limit: int | None = None,
    ) -> Asking:
        """What to send with a question.

        `key` names the conversation, or is the question; `thinks` tells of a model that reasons
        before it answers; `limit` is the caller's own `max_tokens`.
        """
        with self.tally.passing("plan"):
            plan = self._plan(request_type, key, thinks)
            tokens = EstimatedTokens().count(plan.instruction) if plan.instruction else 0
            return Asking(plan, limit, self._retry, tokens, self._observe)
        return Asking(Plan(request_type, "", reason="the budget failed"), limit)

    def unasked(self) -> Asking:
        """For a call that the budget has nothing to do with."""
        return Asking(Plan(UNTAGGED, "", reason="left alone"))

    def held_out(self, key: str) -> bool:
        """Whether a conversation goes without: the same on every machine; never one unnamed."""
        if not key:
            return False
        drawn = int(digest(f"output budget {key}"), 16) / 16**16
        return drawn < self.holdout

    def without_budget(self, calls: Iterable[Call]) -> Iterable[Call]:
        """Those of a ledger whose session is held out."""
        return (call for call in calls if call.session and self.held_out(call.session))

    def saving(
        self, price: Price | None = None, *, calls: Iterable[Call] | None = None
    ) -> OutputSaving:
        """What it saved: in this process, or in a ledger's `calls`, whose sessions tell the group.

        Only calls made since the budget began belong into `calls`; those without a session, or of a
        type without an allowance, are left out.
        """
        if calls is None:
            return self._trial.saving(price)
        trial, known = Trial(), self.allowances
        for call in calls:
            if call.session and call.request_type in known and not call.answered_by_cache:
                held = self.held_out(call.session)
                output = call.usage.output_tokens
                trial.add(call.request_type, call.session, held_out=held, output=output)
        return trial.saving(price)

    def _plan(self, request_type: str, key: str, thinks: bool) -> Plan:
        with self._lock:
            allowed = self._allowances.get(request_type, self._default)
        unit = digest(key)
        if allowed is None:
            return Plan(request_type, "", reason="this type of request has no allowance")
        if self.held_out(key):
            return Plan(request_type, unit, held_out=True, reason="held out, to compare with")
        asked = "" if allowed.words is None else self._wording(allowed.words)
        if thinks and allowed.reasoning_tokens is None and allowed.answer_tokens is not None:
            reason = "the model thinks, and how much is not known: a limit could leave no answer"
            return Plan(request_type, unit, instruction=asked, reason=reason)
        return Plan(request_type, unit, False, asked, allowed.max_tokens, allowed.reason)

    def _observe(self, plan: Plan, outcome: Outcome) -> None:
        if not plan.unit:
            return
        with self.tally.passing("observe"):
            self._trial.add(
                plan.request_type,
                plan.unit,
                held_out=plan.held_out,
                output=outcome.output_tokens,
                added=outcome.added_input_tokens,
            )
            self.tally.add("held_out" if plan.held_out else "budgeted")
            if outcome.cut:
                self.tally.add("truncated")
            if plan.max_tokens is not None:
                self._watch(plan, outcome)

    def _watch(self, plan: Plan, outcome: Outcome) -> None:
        name = plan.request_type
        with self._lock:
            allowed = self._allowances.get(name, self._default)
            if allowed is None or allowed.answer_tokens is None:
                return
            if outcome.reasoning_tokens and allowed.reasoning_tokens is None and outcome.cut:
                told = "the model thinks, which the allowance did not know"
                self._allowances[name] = replace(allowed, answer_tokens=None, reason=told)
                return
            seen = self._watched.setdefault(name, deque(maxlen=_WATCHED))
            seen.append(outcome.cut)
            if len(seen) < _LEAST_WATCHED or sum(seen) <= self._max_truncated * len(seen):
                return
            share = sum(seen) / len(seen)
            seen.clear()
            self._allowances[name] = raised = _raised(allowed)
        self.tally.add("raised")
        log.info("%.0f %% of %s were cut off; limit now %s", 100 * share, name, raised.max_tokens)


def _raised(allowed: Allowance) -> Allowance:
    thought = allowed.reasoning_tokens
    return replace(
        allowed,
        answer_tokens=ceil((allowed.answer_tokens or 0) * _STEP),
        reasoning_tokens=None if thought is None else ceil(thought * _STEP),
    )
