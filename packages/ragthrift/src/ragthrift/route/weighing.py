"""The choice of a tier for a call: what it can add, less what it costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ragthrift.failures import Tally
from ragthrift.route.ask import Ask, ask_of
from ragthrift.route.call import Call
from ragthrift.route.choice import choose
from ragthrift.route.conversations import Conversations
from ragthrift.route.dominated import Dominated
from ragthrift.route.features import NAMES, structure
from ragthrift.route.gates import allowed
from ragthrift.route.pricing import Pricing
from ragthrift.route.quality import QualityModel
from ragthrift.types import Decision, DecisionKind, Tier


class Steering(Protocol):
    """Holds a target: what quality must be worth a dollar now."""

    def rate(self, costs: Sequence[float]) -> float:
        """Quality that a dollar must buy, for a call of these costs, cheap to strong."""
        ...

    def exhausted(self) -> bool:
        """Whether the hard cap is reached: the cheapest tier then answers all."""
        ...

    def spent(self, dollars: float, *, qualities: Sequence[float], costs: Sequence[float]) -> None:
        """A call was answered: all that it cost, and what was expected of the tiers before it."""
        ...


WORTH = 0.2
"""Quality that asking the strongest tier must add where no target was given."""


class Worth:
    """No target: the strongest tier's price is worth so much quality, the others' in proportion."""

    def rate(self, costs: Sequence[float]) -> float:
        """The same for every call, whatever its length."""
        return WORTH / max(costs) if max(costs) > 0 else 0.0

    def exhausted(self) -> bool:
        """There is no cap."""
        return False

    def spent(self, dollars: float, *, qualities: Sequence[float], costs: Sequence[float]) -> None:
        """There is nothing to hold."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A call with the tiers that may answer it, and the choice."""

    call: Call
    ask: Ask
    ladder: tuple[Tier, ...]
    """Cheap to strong."""
    spare: tuple[Tier, ...]
    """Dominated tiers, asked when all else fails."""
    refused: Mapping[str, str]
    decision: Decision
    rate: float
    capped: bool
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a call goes where it goes."""

    decision: Decision
    ask: Ask
    """What the choice was made from."""
    rate: float
    """Quality that a dollar must buy."""
    refused: Mapping[str, str]
    """Tiers that cannot answer the call, and why."""
    dominated: tuple[Dominated, ...]
    assumed_prices: tuple[str, ...]
    """Tiers whose price is a guess."""

    @property
    def features(self) -> dict[str, float]:
        """What the ask looks like in numbers, counts as logarithms."""
        return dict(zip(NAMES, structure(self.ask), strict=True))

    def __str__(self) -> str:
        costs = dict(self.decision.costs)
        lines = [f"{self.decision.tier.name}: {self.decision.reason}"]
        lines += [
            f"  {name}: expected quality {quality:.2f}, ${costs[name]:.6f}"
            for name, quality in self.decision.qualities
        ]
        lines += [f"  {name} cannot: {why}" for name, why in self.refused.items()]
        lines += [f"  dominated: {one}" for one in self.dominated]
        lines += [f"  the price of {name} is a guess" for name in self.assumed_prices]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Weighing:
    """What a router weighs with at one moment; a new one takes its place when it learns."""

    tiers: tuple[Tier, ...]
    model: QualityModel
    steering: Steering
    pricing: Pricing
    conversations: Conversations | None
    tally: Tally
    dominated: tuple[Dominated, ...] = ()

    def weigh(self, call: Call) -> Weighed:
        """The choice for a call; makes no attempt and remembers nothing."""
        tokens = self.pricing.prompt_tokens(call)
        able, refused = allowed(self.tiers, call, tokens)
        ladder, spare = self._without_dominated(able)
        ask = ask_of(call.messages, call.passages or (), prompt_tokens=call.prompt_tokens)
        costs = [self._cost(tier, call, tokens) for tier in ladder]
        rate = self.steering.rate(costs)
        capped = self.steering.exhausted()
        decision = self._decided(call, ask, ladder, costs, rate=rate, capped=capped)
        return Weighed(call, ask, ladder, spare, refused, decision, rate, capped, tokens)

    def explained(self, call: Call) -> Explanation:
        """Why."""
        weighed = self.weigh(call)
        return Explanation(
            weighed.decision,
            weighed.ask,
            weighed.rate,
            weighed.refused,
            self.dominated,
            tuple(sorted(self.pricing.assumed)),
        )

    def _cost(self, tier: Tier, call: Call, tokens: int) -> float:
        """Dollars, less for a tier that still has the conversation in its prompt cache."""
        known = self.conversations
        cached = known.cached_tokens(call.conversation, tier.name) if known else 0
        return self.pricing.expected(tier, call, prompt_tokens=tokens, cached_tokens=cached)

    def _without_dominated(self, able: list[Tier]) -> tuple[tuple[Tier, ...], tuple[Tier, ...]]:
        names = {tier.name for tier in able}
        beaten = {one.tier for one in self.dominated if one.by in names}
        kept = tuple(tier for tier in able if tier.name not in beaten)
        return kept, tuple(tier for tier in able if tier.name in beaten)

    def _decided(
        self,
        call: Call,
        ask: Ask,
        ladder: Sequence[Tier],
        costs: Sequence[float],
        *,
        rate: float,
        capped: bool,
    ) -> Decision:
        names = [tier.name for tier in ladder]
        qualities: tuple[float, ...] = ()
        with self.tally.passing("quality_model"):
            qualities = tuple(map(float, self.model.expected(ask, names)))
        if len(qualities) != len(names):
            return self._ruled(ladder[-1], "gate", "nothing is known of the tiers' quality")
        worth = [quality - rate * cost for quality, cost in zip(qualities, costs, strict=True)]
        best = choose(qualities, costs, rate)
        weighed = Decision(
            ladder[best],
            _reason(names, qualities, worth, best),
            scores=tuple(zip(names, worth, strict=True)),
            qualities=tuple(zip(names, qualities, strict=True)),
            costs=tuple(zip(names, costs, strict=True)),
        )
        if call.tier is not None:
            return replace(weighed, reason=f"the call is pinned to {call.tier}", kind="pinned")
        if len(ladder) == 1:
            return replace(weighed, reason="no other tier can answer the call", kind="gate")
        if capped:
            cheapest = ladder[min(range(len(costs)), key=lambda at: costs[at])]
            reason = "the budget is spent: the cheapest tier answers"
            return replace(weighed, tier=cheapest, reason=reason, kind="cap")
        return weighed

    def _ruled(self, tier: Tier, kind: DecisionKind, reason: str) -> Decision:
        return Decision(tier, reason, kind=kind)


def _reason(
    names: Sequence[str], qualities: Sequence[float], worth: Sequence[float], best: int
) -> str:
    said = f"expected quality {qualities[best]:.2f}"
    others = [at for at in range(len(names)) if at != best]
    if not others:
        return said
    other = max(others, key=lambda at: worth[at])
    gain = qualities[other] - qualities[best]
    verb = f"would add {gain:.2f}, less than its price is worth"
    if gain <= 0:
        verb = f"is expected to answer {-gain:.2f} worse"
    return f"{said}; {names[other]} {verb}"
