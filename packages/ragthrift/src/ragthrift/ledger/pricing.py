"""Dollars for each call, by published prices or the user's own."""

import os
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Self

from ragthrift.errors import InputError
from ragthrift.ledger.call import Call, Processing
from ragthrift.ledger.own_prices import OwnPrice, read_prices
from ragthrift.ledger.rates import PARENTS, Parts
from ragthrift.ledger.tariffs import SLOT, Tariff, exact, learnt, possible
from ragthrift.types import Price

_DAY: Final = 86_400
_NOTHING: Final = Parts()


class Prices:
    """What calls cost; a model's own price goes before the published one.

    Each call is priced by itself, on its day, in its tier of prompt length and way of processing.
    Rates are learnt once for each model and day from `genai-prices`, and held against it; where
    they do not tell the same to the last digit, it is asked for every call.

    >>> from ragthrift.ledger.call import Call
    >>> from ragthrift.usage import Usage
    >>> november = 1_793_500_000
    >>> float(Prices().dollars(Call(model="gpt-5-mini", usage=Usage(1_000_000), at=november)))
    0.25
    >>> Prices().dollars(Call(model="my-own", usage=Usage(1000, 10))) is None
    True
    >>> own = Prices({"my-own": OwnPrice(input=2, output=6)})
    >>> float(own.dollars(Call(model="my-own", usage=Usage(1_000_000))))
    2.0
    """

    def __init__(self, overrides: Mapping[str, OwnPrice | Price] | None = None) -> None:
        self._own = {name.lower(): _own(price) for name, price in (overrides or {}).items()}
        self._tariffs: dict[tuple[str, str, Processing, float], Tariff | None] = {}

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """With the prices of a file: see `ragthrift.ledger.own_prices.read_prices`."""
        return cls(read_prices(path))

    @property
    def source(self) -> str:
        """Where published prices are from, as a report names it."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            return f"genai-prices {version('genai-prices')}"
        except PackageNotFoundError:
            return "none"

    def dollars(self, call: Call) -> Decimal | None:
        """What was billed: `None` if a price is unknown, 0 only for what a cache answered."""
        if call.answered_by_cache:
            return Decimal(0)
        if self._own and call.model.lower() in self._own:
            parts = self.parts(call)
            return None if parts is None else parts.total
        tariff = self._tariff(call)
        if tariff is None:
            return None
        rates = tariff.rates(call)
        if rates is None:
            parts = exact(call)
            return None if parts is None else parts.total
        return rates.dollars(call.usage, possible(call) if call.classes else {})

    def parts(self, call: Call) -> Parts | None:
        """The same by class of tokens."""
        if call.answered_by_cache:
            return _NOTHING
        if own := self._own.get(call.model.lower()):
            price = own.of(call.processing)
            return None if price is None else price.parts(call)
        tariff = self._tariff(call)
        if tariff is None:
            return None
        rates = tariff.rates(call)
        return exact(call) if rates is None else rates.parts(call.usage, possible(call))

    def why_unpriced(self, call: Call) -> str:
        """What is missing, and what to do; "" for a call that has a price."""
        if self.dollars(call) is not None:
            return ""
        way = "" if call.processing == "standard" else f" processed as {call.processing!r}"
        fees = [name for name in call.classes if name not in PARENTS]
        billed = f" with {', '.join(fees)}" if fees else ""
        return (
            f"no price is known of {call.model!r}{way}{billed}; "
            f'give one in prices.toml: [models."{call.model}"]'
        )

    def _tariff(self, call: Call) -> Tariff | None:
        key = (call.model, call.provider, call.processing, call.at // _DAY)
        try:
            tariff = self._tariffs[key]
        except KeyError:
            tariff = self._tariffs[key] = learnt(call, call.at // _DAY * _DAY + _DAY / 2)
        if tariff is None or not tariff.hourly:
            return tariff
        slot = (call.model, call.provider, call.processing, -(call.at // SLOT))
        if slot not in self._tariffs:
            begin = call.at // SLOT * SLOT
            self._tariffs[slot] = learnt(call, begin + SLOT / 2, within_day=True)
        return self._tariffs[slot]


def _own(price: OwnPrice | Price) -> OwnPrice:
    if isinstance(price, OwnPrice):
        return price
    if isinstance(price, Price):
        return OwnPrice(input=price.input, output=price.output, cache_read=price.cache_read)
    raise InputError(f"{price!r} is no price; give an OwnPrice(input=..., output=...)")
