"""Metrics for OpenTelemetry and Prometheus, read back by their own packages."""

from collections.abc import Iterator
from typing import Any

import pytest

from ragthrift.ledger import Call, Ledger, MeteredLedger, SqliteLedger, prometheus_text, to_otel
from ragthrift.usage import Usage

NOVEMBER = 1_794_322_800.0
CALLS = [
    Call(
        model="gpt-5-mini",
        provider="openai",
        usage=Usage(1_000_000, 100_000, cache_read_tokens=400_000),
        classes={"output_reasoning_tokens": 40_000},
        request_type="faq",
        at=NOVEMBER,
        seconds=0.7,
    ),
    Call(
        model="gpt-5-mini",
        provider="openai",
        usage=Usage(1_000_000, 0),
        request_type="faq",
        at=NOVEMBER,
        seconds=90.0,
        error="TimeoutError",
    ),
    Call(model="gpt-5-mini", usage=Usage(10, 1), request_type="faq", answered_by_cache=True),
    Call(model='my "own"\n', usage=Usage(10, 1), finish_reason="length"),
]


@pytest.fixture
def reader() -> Iterator[Any]:
    pytest.importorskip("opentelemetry.sdk.metrics")
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    memory = InMemoryMetricReader()
    provider = MeterProvider([memory])
    yield memory, provider
    provider.shutdown()


def points(memory: Any) -> dict[str, list[Any]]:
    found = memory.get_metrics_data()
    (scope,) = found.resource_metrics[0].scope_metrics
    return {metric.name: list(metric.data.data_points) for metric in scope.metrics}


def test_calls_are_told_to_opentelemetry_as_they_are_recorded(reader: Any) -> None:
    memory, provider = reader
    with SqliteLedger() as inner:
        ledger = MeteredLedger(inner, meter_provider=provider)
        assert isinstance(ledger, Ledger)
        for call in CALLS:
            ledger.record(call)
        assert len(list(ledger.calls())) == 4
        assert len(list(ledger.calls(request_type="faq"))) == 3
    found = points(memory)
    tokens = {
        (point.attributes["gen_ai.request.model"], point.attributes["gen_ai.token.type"]): point.sum
        for point in found["gen_ai.client.token.usage"]
    }
    assert tokens == {
        ("gpt-5-mini", "input"): 2_000_000,
        ("gpt-5-mini", "output"): 100_000,
        ('my "own"\n', "input"): 10,
        ('my "own"\n', "output"): 1,
    }
    times = {
        point.attributes.get("error.type"): point.sum
        for point in found["gen_ai.client.operation.duration"]
    }
    assert times == {None: 0.7, "TimeoutError": 90.0}
    (cost,) = found["ragthrift.cost"]
    assert cost.value == pytest.approx(0.15 + 0.01 + 0.2 + 0.25)
    assert cost.attributes["ragthrift.request_type"] == "faq"
    (unpriced,) = found["ragthrift.unpriced_calls"]
    assert unpriced.value == 1


def test_calls_of_the_past_are_told_too(reader: Any) -> None:
    memory, provider = reader
    to_otel(CALLS, meter_provider=provider)
    (cost,) = points(memory)["ragthrift.cost"]
    assert cost.value == pytest.approx(0.61)


def test_prometheus_reads_the_text() -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    families = {
        family.name: family
        for family in parser.text_string_to_metric_families(prometheus_text(CALLS))
    }
    types = {name: family.type for name, family in families.items()}
    assert types == {
        "ragthrift_calls": "counter",
        "ragthrift_tokens": "counter",
        "ragthrift_dollars": "counter",
        "ragthrift_unpriced_calls": "counter",
        "ragthrift_call_seconds": "histogram",
    }

    def values(name: str, label: str) -> dict[str, float]:
        samples = families[name].samples
        return {one.labels[label]: one.value for one in samples if label in one.labels}

    assert values("ragthrift_calls", "result") == {
        "ok": 1,
        "error": 1,
        "cached": 1,
        "truncated": 1,
    }
    assert {one.labels["model"] for one in families["ragthrift_unpriced_calls"].samples} == {
        'my "own"\n'
    }
    assert values("ragthrift_dollars", "class") == {
        "fresh": 0.4,
        "read": 0.01,
        "output": 0.12,
        "reasoning": 0.08,
    }
    buckets = values("ragthrift_call_seconds", "le")
    assert (buckets["0.5"], buckets["1"], buckets["60"], buckets["+Inf"]) == (0, 1, 1, 2)
    named = {one.name: one.value for one in families["ragthrift_call_seconds"].samples}
    assert named["ragthrift_call_seconds_sum"] == pytest.approx(90.7)
    assert named["ragthrift_call_seconds_count"] == 2


def test_nothing_is_nothing() -> None:
    assert prometheus_text([]) == ""
