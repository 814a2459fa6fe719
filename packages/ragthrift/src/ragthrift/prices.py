"""Dollars for tokens, at the published prices that `genai-prices` carries."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

from ragthrift.errors import missing_extra
from ragthrift.usage import Usage


def dollars(usage: Usage, model: str, *, on: date | None = None) -> Decimal | None:
    """What one call costs on a day (today by default), `None` for a model without a known price.

    Price each call and add up dollars, never tokens: long prompts have prices of their own.

    >>> float(dollars(Usage(1_000_000, 0), "gpt-5-mini", on=date(2026, 11, 1)))
    0.25
    >>> dollars(Usage(10, 0), "my-own-model") is None
    True
    """
    try:
        from genai_prices import calc_price
    except ImportError as error:
        missing_extra("prices", "genai-prices", error)
    try:
        moment = None if on is None else datetime.combine(on, time(12), UTC)
        return calc_price(usage, model, genai_request_timestamp=moment).total_price
    except LookupError:
        return None
