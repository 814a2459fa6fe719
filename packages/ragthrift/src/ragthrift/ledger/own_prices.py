"""Prices that the user knows: of models of one's own, and of contracts of one's own."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

from ragthrift.errors import InputError
from ragthrift.ledger.call import Call, Processing
from ragthrift.ledger.rates import PARENTS, Parts, Rates

Number = Decimal | float | int | str
_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPrice:
    """Dollars per million tokens, per thousand searches, or per hour of a GPU.

    >>> OwnPrice(input=0.2, output=0.6, cache_read=0.02).input
    Decimal('0.2')
    """

    input: Number | None = None
    output: Number | None = None
    cache_read: Number | None = None
    """`None` is the price of input, as for the two that follow."""
    cache_write: Number | None = None
    cache_write_1h: Number | None = None
    """`None` is the price of `cache_write`."""
    web_searches: Number | None = None
    """A thousand of them; `None` leaves calls that search unpriced."""
    gpu_hour: Number | None = None
    """In place of all others: a call costs its seconds of it."""
    parallel: Number = 1
    """Calls that share the GPU, on the average."""
    processing: Mapping[str, "OwnPrice"] = field(default_factory=dict, hash=False)
    """Prices of "batch", "flex", ...; what is not here is unpriced."""

    def __post_init__(self) -> None:
        for name in (f.name for f in fields(self) if f.name != "processing"):
            object.__setattr__(self, name, _decimal(name, getattr(self, name)))
        tokens = self.input is not None and self.output is not None
        if tokens == (self.gpu_hour is not None) or not self.parallel:
            raise InputError("a price needs input and output, or gpu_hour (and parallel above 0)")
        if unknown := set(self.processing) - set(get_args(Processing)):
            raise InputError(f"unknown processing {unknown}; use {get_args(Processing)}")

    def of(self, processing: Processing) -> "OwnPrice | None":
        """The price of a way of processing."""
        return self if processing == "standard" else self.processing.get(processing)

    def parts(self, call: Call) -> Parts | None:
        """Dollars by class, `None` where something has no price."""
        if self.gpu_hour is not None:
            if call.seconds is None:
                return None
            hours = Decimal(repr(call.seconds)) * Decimal(self.gpu_hour)
            return Parts(other=hours / (_HOUR * Decimal(self.parallel)))
        rates = self.rates()
        return (
            rates.parts(call.usage, call.classes)
            if rates.more.keys() >= set(call.classes)
            else None
        )

    def rates(self) -> Rates:
        """Dollars for one token."""
        fresh, output = _each(self.input), _each(self.output)
        write = fresh if self.cache_write is None else _each(self.cache_write)
        more = dict.fromkeys(PARENTS, Decimal(0))
        if self.cache_write_1h is not None:
            more["cache_write_1h_tokens"] = _each(self.cache_write_1h) - write
        if self.web_searches is not None:
            more["web_searches"] = Decimal(self.web_searches).scaleb(-3)
        read = fresh if self.cache_read is None else _each(self.cache_read)
        return Rates(fresh, output, read, write, more=more)


def read_prices(path: str | os.PathLike[str]) -> dict[str, OwnPrice]:
    """From a file in TOML, a table for each model.

    ```toml
    [models."llama-3.3-70b"]
    gpu_hour = 2.4
    parallel = 8

    [models."gpt-5-mini"]
    input = 0.2
    output = 1.6
    cache_read = 0.02
    processing.batch = {input = 0.1, output = 0.8}
    ```
    """
    with open(path, "rb") as file:
        try:
            models = tomllib.load(file, parse_float=Decimal).get("models", {})
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"{os.fspath(path)} is no TOML: {error}") from error
    if not models:
        raise InputError(f'{os.fspath(path)} has no prices; write a table [models."NAME"]')
    try:
        return {name: _price(table) for name, table in models.items()}
    except (TypeError, AttributeError) as error:
        raise InputError(f"{os.fspath(path)}: {error}; see ragthrift.ledger.OwnPrice") from error


def _price(table: dict[str, Any]) -> OwnPrice:
    ways = {name: _price(way) for name, way in table.get("processing", {}).items()}
    return OwnPrice(**{**table, "processing": ways})


def _decimal(name: str, value: Number | None) -> Decimal | None:
    if value is None:
        return None
    try:
        price = Decimal(str(value))
    except InvalidOperation as error:
        raise InputError(f"{name}={value!r} is no number") from error
    if not price.is_finite() or price < 0:
        raise InputError(f"{name}={value!r} must be a number of dollars, not below 0")
    return price


def _each(price: Number | None) -> Decimal:
    return Decimal(price or 0).scaleb(-6)
