"""Dollars for tokens, at the published prices that `genai-prices` carries."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

from ragthrift.errors import missing_extra
from ragthrift.usage import Usage

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, PriceCalculation

_CONTEXTS = {
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "fast": {"service_tier": "fast", "speed": "fast"},
}
"""What `genai-prices` calls the ways of processing that have prices of their own."""
_NEEDED = {
    "input_tokens": "input_mtok",
    "output_tokens": "output_mtok",
    "web_searches": "web_searches_kcount",
    "storage_searches": "storage_searches_kcount",
    "rerank_searches": "rerank_searches_kcount",
    "code_executions": "code_executions_kcount",
}
"""The price without which a count would be billed as nothing; further classes of tokens cost what
their total does where they have no price."""


def dollars(usage: Usage, model: str, *, on: date | None = None) -> Decimal | None:
    """What one call costs on a day (today by default), `None` for a model without a known price.

    Price each call and add up dollars, never tokens: long prompts have prices of their own.

    >>> float(dollars(Usage(1_000_000, 0), "gpt-5-mini", on=date(2026, 11, 1)))
    0.25
    >>> dollars(Usage(10, 0), "my-own-model") is None
    True
    """
    moment = None if on is None else datetime.combine(on, time(12), UTC)
    found = calculated(asdict(usage), model, at=moment)
    return None if found is None else found.total_price


def calculated(
    used: Mapping[str, int],
    model: str,
    *,
    provider: str = "",
    processing: str = "standard",
    at: datetime | None = None,
) -> "PriceCalculation | None":
    """The price of one call's counts, named as in `genai_prices.Usage`; `None` where unknown.

    `genai-prices` dates the prices of batches and tiers by when it looked them up first. A call
    before that day has them if the model's standard price was the same. Where they are unknown it
    would take the standard price; here, and where a class of what was used has no price, it is
    `None`. Raises `ValueError` for counts that contradict each other.

    >>> half = calculated(
    ...     {"input_tokens": 1_000_000}, "gpt-5-mini", processing="batch",
    ...     at=datetime(2026, 11, 1, tzinfo=UTC),
    ... )
    >>> float(half.total_price)
    0.125
    """
    moment = at or datetime.now(UTC)
    context = _CONTEXTS.get(processing)
    try:
        found = _asked(used, model, provider, moment, None)
        if context is not None:
            known = _known(found, context, moment)
            if known is None:
                return None
            found = _asked(used, model, provider, known, context)
    except LookupError:
        return None
    priced = {key for key, price in vars(found.model_price).items() if price is not None}
    missing = any(used.get(name) and key not in priced for name, key in _NEEDED.items())
    return None if missing else found


def _asked(
    used: Mapping[str, int],
    model: str,
    provider: str,
    moment: datetime,
    context: Mapping[str, str] | None,
) -> "PriceCalculation":
    try:
        from genai_prices import calc_price
    except ImportError as error:
        missing_extra("prices", "genai-prices", error)
    return calc_price(
        used,
        model,
        provider_id=provider or None,
        genai_request_timestamp=moment,
        price_context=context,
    )


def _known(
    found: "PriceCalculation", context: Mapping[str, str], moment: datetime
) -> datetime | None:
    """When a way of processing has the price that a call at a moment has, `None` if unknown."""
    model = found.model
    if not any(model is own for own in found.provider.models):
        return None  # another provider's model: its tiers are not this one's
    begins = [
        _begin(variant.constraint)
        for variant in model.price_variants or ()
        if all(context.get(key) == value for key, value in variant.when.items())
    ]
    if any(begin <= moment for begin in begins):
        return moment
    first = min(begins, default=None)
    return first if first is not None and _same_price(model, first, moment) else None


def _begin(constraint: object) -> datetime:
    begin = getattr(constraint, "start_date", None)
    return datetime.combine(begin or date.min, time(0), UTC)


def _same_price(model: "ModelInfo", first: datetime, moment: datetime) -> bool:
    return bool(model.get_prices(first) == model.get_prices(moment))
