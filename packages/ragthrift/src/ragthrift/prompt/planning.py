"""Where a prompt should be cached, where not, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragthrift.prompt.traffic import Traffic
from ragthrift.provider_cache import Breakpoint, CacheRules, Lifetime


@dataclass(frozen=True, slots=True)
class Stretch:
    """A beginning of a prompt up to one of its segments, which other prompts may share."""

    name: str
    """In words: "the stable part"."""
    after: int
    """How many segments it has."""
    tokens: int
    traffic: Traffic


@dataclass(frozen=True, slots=True)
class CachePlan:
    """Breakpoints, and for each stretch of the prompt why it has one or has none."""

    breakpoints: tuple[Breakpoint, ...] = ()
    reasons: tuple[str, ...] = ()
    price: float = 1.0
    """What is expected to be paid for the stretches, as a share of their price without a cache."""

    def explain(self) -> str:
        """One line for each reason."""
        return "\n".join(self.reasons)


def plan_breakpoints(stretches: Sequence[Stretch], rules: CacheRules) -> CachePlan:
    """Decide for each stretch, the shortest first, whether caching it saves money.

    >>> from ragthrift.provider_cache import rules_for
    >>> stable = Stretch("the stable part", 1, 1500, Traffic.every(20))
    >>> print(plan_breakpoints([stable], rules_for("claude-sonnet-4-5")).explain())
    the stable part (1500 tokens): cached for 5m; 100 % of the calls read it, at 0.10 of its price
    >>> print(plan_breakpoints([stable], rules_for("claude-haiku-4-5")).explain())
    the stable part (1500 tokens): not cached; claude-haiku-4-5 caches no less than 4096 tokens
    """
    if not rules.marked or not rules.priced:
        return _nothing_to_mark(stretches, rules)
    marks: list[Breakpoint] = []
    reasons: list[str] = []
    done, paid, longest = 0, 0.0, float("inf")
    for stretch in stretches:
        added = stretch.tokens - done
        allowed = [one for one in rules.lifetimes if one.seconds <= longest]
        best = min(allowed, key=lambda one: _price(stretch.traffic, one, rules))
        price = _price(stretch.traffic, best, rules)
        refusal = _refusal(stretch, rules, price, room=len(marks) < rules.breakpoints)
        if refusal or added <= 0:
            reasons.append(f"{_named(stretch)}: not cached; {refusal or 'nothing was added'}")
            continue
        marks.append(Breakpoint(stretch.after, best.name))
        share = stretch.traffic.share_within(best.seconds)
        reasons.append(
            f"{_named(stretch)}: cached for {best.name}; {share:.0%} of the calls read it, at "
            f"{price:.2f} of its price".replace("%", " %")
        )
        done, paid, longest = stretch.tokens, paid + added * price, best.seconds
    total = max((stretch.tokens for stretch in stretches), default=0)
    return CachePlan(tuple(marks), tuple(reasons), (paid + total - done) / total if total else 1.0)


def _nothing_to_mark(stretches: Sequence[Stretch], rules: CacheRules) -> CachePlan:
    """Where the provider caches by itself or not at all, and where prices are not known."""
    name = rules.name or "the provider"
    total = max((stretch.tokens for stretch in stretches), default=0)
    if not rules.priced:
        reason = f"no price of {name} is known; give one in Prices, or replace the rules' shares"
    elif rules.style == "none":
        reason = f"{name} sells no cached tokens"
    elif rules.whole_steps(total):
        reason = f"nothing to mark; {name} caches the longest beginning that it knows by itself"
    else:
        reason = f"{total} tokens; {name} caches no less than {rules.min_tokens}"
    return CachePlan((), (reason,))


def _refusal(stretch: Stretch, rules: CacheRules, price: float, *, room: bool) -> str:
    """Why a stretch is not worth a breakpoint; "" if it is."""
    last = rules.lifetimes[-1]
    if not rules.whole_steps(stretch.tokens):
        return f"{rules.name or 'the provider'} caches no less than {rules.min_tokens} tokens"
    if stretch.traffic.calls == 1:
        return (
            "no other prompt begins with it, and writing it to the cache is dearer than sending it"
        )
    if not stretch.traffic.share_within(last.seconds):
        shortest = f"{stretch.traffic.gaps[0]:.0f} s" if stretch.traffic.gaps else "no time"
        return f"it is forgotten after {last.seconds:.0f} s, and calls are {shortest} apart or more"
    if price >= 1:
        return f"it would cost {price:.2f} of its price: too few calls come before it is forgotten"
    return "" if room else f"{rules.breakpoints} breakpoints are the most"


def _price(traffic: Traffic, lifetime: Lifetime, rules: CacheRules) -> float:
    """Expected price of a token, as a share of its price without a cache."""
    share = traffic.share_within(lifetime.seconds)
    return share * rules.read + (1 - share) * lifetime.write


def _named(stretch: Stretch) -> str:
    return f"{stretch.name} ({stretch.tokens} tokens)"
