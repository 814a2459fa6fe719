"""From attempts to rows: what they would have been billed, and how good they are."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from ragthrift import InputError, Message, Usage
from ragthrift.tokens import OpenAITokens, token_counter_for
from ragthrift_bench.answers import METRICS
from ragthrift_bench.attempts import Attempt, Call
from ragthrift_bench.billing import RULES, PrefixCache, billed, price
from ragthrift_bench.cases import Case
from ragthrift_bench.evidence import evidence_in, evidence_in_text
from ragthrift_bench.results import Row

CALLED = "called"
"""As a model's name: each call has the price of the model that it really went to."""
REPORTED = "reported"
"""As a name of caching rules: what the provider itself counted, nothing is simulated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """Whose prices are taken, on which day, under which rules."""

    on: date
    model: str = "gpt-5-mini"
    caching: str = "none"
    seconds_apart: float = 10.0
    """From one question to the next: decides what is still in a provider's cache."""
    machine_price: float = 0.1
    """Dollars an hour for the machine that levers compute on."""

    def __post_init__(self) -> None:
        if self.caching not in (*RULES, REPORTED):
            known = ", ".join((*RULES, REPORTED))
            raise InputError(f"unknown caching rules {self.caching!r}; use one of {known}")
        if self.seconds_apart < 0 or self.machine_price < 0:
            raise InputError("seconds_apart and machine_price cannot be below 0")
        if self.model != CALLED:
            price(Usage(1, 1), self.model, self.on)

    def of(self, call: Call) -> str:
        """The model whose price a call has."""
        return call.model if self.model == CALLED else self.model


def score(
    cases: Sequence[Case],
    attempts: Sequence[Attempt | Exception],
    pricing: Pricing,
    *,
    judged: Mapping[str, float] | None = None,
) -> list[Row]:
    """A row for each attempt, in order; every configuration begins with cold caches.

    An exception stands for a question that failed: it has no answer and cost nothing. `judged`
    holds a judge's preferences by case id.
    """
    till = _Till(pricing)
    rows = []
    for number, (case, attempt) in enumerate(zip(cases, attempts, strict=True)):
        error = attempt if isinstance(attempt, Exception) else None
        done = _FAILED if isinstance(attempt, Exception) else attempt
        quality = {**_answer_quality(case, done), **_evidence(case, done)}
        if judged is not None:
            quality["judged"] = judged[case.id]
        rows.append(till.row(case, done, number * pricing.seconds_apart, quality, error))
    return rows


_FAILED = Attempt("", passages=())


class _Till:
    """Bills calls one after the other; each model has a cache of its own."""

    def __init__(self, pricing: Pricing) -> None:
        self._pricing = pricing
        self._caches: dict[str, PrefixCache] = {}

    def row(
        self,
        case: Case,
        done: Attempt,
        at: float,
        quality: Mapping[str, float],
        error: Exception | None,
    ) -> Row:
        """What a case cost at a moment in seconds, with how good it was."""
        bills = [(call, *self._bill(call, at)) for call in done.calls]
        computing = done.lever_seconds / 3600 * self._pricing.machine_price
        paid = sum((dollars for _, _, dollars in bills), Decimal(0))
        own = sum((dollars for call, _, dollars in bills if call.by_lever), Decimal(0))
        return Row(
            case_id=case.id,
            question=case.question,
            answer=done.answer or "",
            usage=sum((usage for _, usage, _ in bills), Usage()),
            dollars=float(paid) + computing,
            lever_dollars=float(own) + computing,
            seconds=done.seconds,
            lever_seconds=done.lever_seconds,
            quality=quality,
            cluster=case.cluster,
            error=None if error is None else f"{type(error).__name__}: {error}",
            expected=case.answers,
        )

    def _bill(self, call: Call, at: float) -> tuple[Usage, Decimal]:
        model = self._pricing.of(call)
        usage = self._usage(call, model, at)
        return usage, price(usage, model, self._pricing.on)

    def _usage(self, call: Call, model: str, at: float) -> Usage:
        if self._pricing.caching == REPORTED:
            if call.reported is None:
                raise InputError(
                    f"{model} did not report its tokens; choose caching rules to simulate instead"
                )
            return call.reported
        cache = self._caches.setdefault(model, PrefixCache(RULES[self._pricing.caching]))
        tokens = _tokens_of(model)
        prompt = [tokens(_billed_text(message)) for message in call.messages]
        return billed(prompt, len(tokens(call.text)), cache, at=at)


def _billed_text(message: Message) -> str:
    """What was said, and the tool calls with it."""
    return message.content + "".join(f"{call.name}{call.arguments}" for call in message.tool_calls)


@cache
def _tokens_of(model: str) -> Callable[[str], Sequence[Hashable]]:
    """Cuts a text into the model's tokens: exactly for OpenAI, else into fours of characters."""
    counter = token_counter_for(model)
    return counter.ids if isinstance(counter, OpenAITokens) else _fours


def _fours(text: str) -> list[str]:
    """As many pieces as `EstimatedTokens` counts."""
    return [text[at : at + 4] for at in range(0, len(text), 4)]


def _answer_quality(case: Case, done: Attempt) -> dict[str, float]:
    if done.answer is None:
        return {}
    return {name: measure(done.answer, case.answers) for name, measure in METRICS.items()}


def _evidence(case: Case, done: Attempt) -> dict[str, float]:
    if done.passages is not None:
        return evidence_in(case, done.passages)
    sent = (m.content for call in done.calls if not call.by_lever for m in call.messages)
    return evidence_in_text(case, "\n".join(sent))
