"""Calls as OpenTelemetry metrics, by the GenAI conventions where they have a name."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from ragthrift.errors import missing_extra
from ragthrift.ledger.call import Call
from ragthrift.ledger.pricing import Prices
from ragthrift.ledger.stores import Ledger

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

_TOKENS: Final = tuple(4**power for power in range(14))
_SECONDS: Final = tuple(0.01 * 2**power for power in range(14))
"""Limits of buckets that the conventions name.
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/"""


class MeteredLedger:
    """A ledger whose calls are told to OpenTelemetry, too, as they are recorded.

    `gen_ai.client.token.usage` and `gen_ai.client.operation.duration` are histograms,
    `ragthrift.cost` is a counter of dollars, by request type, model and provider; and
    `ragthrift.unpriced_calls` counts calls without a known price. What a cache answered used no
    model, and is in none. A reader of the SDK's serves them to Prometheus or sends them on.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        prices: Prices | None = None,
        meter_provider: "MeterProvider | None" = None,
    ) -> None:
        self._ledger = ledger
        self._meters = _Meters(prices, meter_provider)

    def record(self, call: Call) -> None:
        """Keep a call, and add it to the metrics."""
        self._ledger.record(call)
        self._meters.add(call)

    def calls(
        self,
        since: float | None = None,
        until: float | None = None,
        request_type: str | None = None,
    ) -> Iterator[Call]:
        """Those of the ledger."""
        return self._ledger.calls(since, until, request_type)

    def flush(self) -> bool:
        """Wait until the ledger has kept all."""
        return self._ledger.flush()

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()


def to_otel(
    calls: Iterable[Call],
    *,
    prices: Prices | None = None,
    meter_provider: "MeterProvider | None" = None,
) -> None:
    """Add calls of the past to the metrics that a `MeteredLedger` has.

    Metrics have no times of their own: they are told as of now.
    """
    meters = _Meters(prices, meter_provider)
    for call in calls:
        meters.add(call)


class _Meters:
    """The instruments."""

    def __init__(self, prices: Prices | None, meter_provider: "MeterProvider | None") -> None:
        try:
            from opentelemetry.metrics import get_meter
        except ImportError as error:
            missing_extra("otel", "opentelemetry-api", error)
        self._prices = prices or Prices()
        meter = get_meter("ragthrift", meter_provider=meter_provider)
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Tokens of a call",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._seconds = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "Time of a call",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._cost = meter.create_counter("ragthrift.cost", "{USD}", "Dollars billed")
        self._unpriced = meter.create_counter(
            "ragthrift.unpriced_calls", "{call}", "Calls without a known price"
        )

    def add(self, call: Call) -> None:
        if call.answered_by_cache:
            return
        named = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": call.provider,
            "gen_ai.request.model": call.model,
            "ragthrift.request_type": call.request_type,
        }
        for kind, count in (
            ("input", call.usage.input_tokens),
            ("output", call.usage.output_tokens),
        ):
            self._tokens.record(count, {**named, "gen_ai.token.type": kind})
        if call.seconds is not None:
            failed = {"error.type": call.error} if call.error else {}
            self._seconds.record(call.seconds, named | failed)
        dollars = self._prices.dollars(call)
        if dollars is None:
            self._unpriced.add(1, named)
        else:
            self._cost.add(float(dollars), named)
