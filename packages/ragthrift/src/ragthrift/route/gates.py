"""What a tier cannot do is settled before anything is weighed."""

from collections.abc import Sequence

from ragthrift.errors import ContextOverflowError, InputError
from ragthrift.route.call import Call
from ragthrift.types import Tier

Why = str


def why_not(tier: Tier, call: Call, prompt_tokens: int) -> Why | None:
    """Why a tier cannot answer a call, or `None`.

    >>> why_not(Tier("cheap", "small", context_tokens=500), Call([], max_tokens=100), 450)
    'prompt and answer need 550 tokens of 500'
    """
    needed = prompt_tokens + (call.max_tokens or 0)
    lacking = [kind for kind in call.modalities if kind not in tier.modalities]
    refusals: dict[Why, bool] = {
        f"the call is pinned to {call.tier}": call.tier not in (None, tier.name, tier.model),
        f"takes no {' or '.join(lacking)}": bool(lacking),
        "calls no tools": bool(call.tools) and not tier.tools,
        "gives no structured output": call.schema is not None and not tier.structured_output,
        f"prompt and answer need {needed} tokens of {tier.context_tokens}": (
            tier.context_tokens is not None and needed > tier.context_tokens
        ),
    }
    return next((why for why, holds in refusals.items() if holds), None)


def allowed(tiers: Sequence[Tier], call: Call, tokens: int) -> tuple[list[Tier], dict[str, Why]]:
    """The tiers that can answer a prompt of so many tokens, and why each of the others cannot.

    A prompt that by estimate fits no tier goes to the largest window: an estimate may be wrong,
    and the provider knows. By the caller's own count it is a `ContextOverflowError`.
    """
    refused = {tier.name: why for tier in tiers if (why := why_not(tier, call, tokens))}
    left = [tier for tier in tiers if tier.name not in refused]
    if left:
        return left, refused
    largest = _largest(tiers, call)
    if largest is None:
        whys = "; ".join(f"{name}: {why}" for name, why in refused.items())
        raise InputError(f"no tier can answer this call ({whys}); add one that can")
    if call.prompt_tokens is not None:
        raise ContextOverflowError(tokens + (call.max_tokens or 0), largest.context_tokens or 0)
    del refused[largest.name]
    return [largest], refused


def _largest(tiers: Sequence[Tier], call: Call) -> Tier | None:
    """Of the tiers that lack nothing but room, the one with the most."""
    able = [tier for tier in tiers if why_not(tier, call, -(call.max_tokens or 0)) is None]
    return max(able, key=lambda tier: tier.context_tokens or 0, default=None)
