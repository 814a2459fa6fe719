"""Calls as text that Prometheus reads."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Final

from ragthrift.ledger.call import Call
from ragthrift.ledger.pricing import Prices

_LIMITS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds: the last answers of a stream come within a minute, or seem never to come."""
_HELP: Final = {
    "ragthrift_calls": ("counter", "Calls by how they ended."),
    "ragthrift_tokens": ("counter", "Tokens by class; reasoning is in output, too."),
    "ragthrift_dollars": ("counter", "Dollars by class of tokens."),
    "ragthrift_unpriced_calls": ("counter", "Calls without a known price."),
    "ragthrift_call_seconds": ("histogram", "Time of a call."),
}

Labels = tuple[tuple[str, str], ...]
Sums = dict[str, dict[Labels, Decimal]]


def prometheus_text(calls: Iterable[Call], *, prices: Prices | None = None) -> str:
    """The sums of calls in Prometheus' text format, by request type and model.

    All calls are read: write it to a file for the node exporter's collector now and then, rather
    than at every scrape. To be scraped live, give a `MeteredLedger` and OpenTelemetry's exporter
    for Prometheus. https://prometheus.io/docs/instrumenting/exposition_formats/

    >>> from ragthrift.usage import Usage
    >>> text = prometheus_text([Call(model="m", usage=Usage(90, 5), request_type="faq")])
    >>> print(text.splitlines()[2])
    ragthrift_calls_total{request_type="faq",model="m",result="ok"} 1
    """
    sums: Sums = defaultdict(lambda: defaultdict(Decimal))
    known = prices or Prices()
    for call in calls:
        _add(sums, call, known)
    return "".join(_family(name, sums[name]) for name in _HELP if name in sums)


def _add(sums: Sums, call: Call, prices: Prices) -> None:
    named: Labels = (("request_type", call.request_type), ("model", call.model))
    sums["ragthrift_calls"][(*named, ("result", _result(call)))] += 1
    if call.answered_by_cache:
        return
    for name, count in _tokens(call).items():
        if count:
            sums["ragthrift_tokens"][(*named, ("class", name))] += count
    parts = prices.parts(call)
    if parts is None:
        sums["ragthrift_unpriced_calls"][named] += 1
    else:
        for name, dollars in asdict(parts).items():
            if dollars:
                sums["ragthrift_dollars"][(*named, ("class", name))] += dollars
    if call.seconds is not None:
        times = sums["ragthrift_call_seconds"]
        for limit in (*_LIMITS, float("inf")):
            times[(*named, ("le", "+Inf" if limit > _LIMITS[-1] else f"{limit:g}"))] += (
                call.seconds <= limit
            )
        times[(*named, ("", "sum"))] += Decimal(repr(call.seconds))
        times[(*named, ("", "count"))] += 1


def _tokens(call: Call) -> Mapping[str, int]:
    usage = call.usage
    return {
        "fresh": usage.fresh_tokens,
        "read": usage.cache_read_tokens,
        "write": usage.cache_write_tokens,
        "output": usage.output_tokens,
        "reasoning": call.classes.get("output_reasoning_tokens", 0),
    }


def _result(call: Call) -> str:
    if call.answered_by_cache:
        return "cached"
    return "error" if call.error else "truncated" if call.truncated else "ok"


def _family(name: str, sums: Mapping[Labels, Decimal]) -> str:
    kind, told = _HELP[name]
    total = f"{name}_total" if kind == "counter" else name
    lines = [f"# HELP {total} {told}", f"# TYPE {total} {kind}"]
    for labels, value in sums.items():
        last, end = labels[-1]
        suffix = "" if kind == "counter" else "_bucket" if last == "le" else f"_{end}"
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels if key)
        lines.append(f"{total}{suffix}{{{inside}}} {value:f}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
