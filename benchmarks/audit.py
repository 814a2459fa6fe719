"""What an audit finds, and how fast: `python -m benchmarks.audit [--calls 1000000]`.

`dollars_error` is how far the audit's dollars are from a calculation by hand, on 200 scripted
responses with all classes of tokens of three providers, whose prices stand below. `calls_per_s` is
a whole audit, projections included, of a ledger in SQLite, by a process that does nothing else;
`seconds`, `cpu_seconds` and `megabytes` are what it took. `handler_ms` is what recording adds to a
call.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.shared import finish, parser, say
from ragthrift.audit import audit
from ragthrift.audit.demo import demo_calls
from ragthrift.ledger import Call, read_usage
from ragthrift.ledger.sqlite_ledger import SqliteLedger

_AT = 1_794_000_000.0
"""6 November 2026."""
_SCRIPTED = 200
_PAUSE = 2_000
"""Calls between waits for the writer: a benchmark writes faster than any application."""

_CHILD = """
import json, resource, sys, time
from ragthrift.audit import audit
from ragthrift.ledger.imports import read_calls
started = time.perf_counter()
found = audit(read_calls(sys.argv[1]))
seconds = time.perf_counter() - started
kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([found.coverage.calls, seconds, time.process_time(), kilobytes / 1024]))
"""


def scripted(seed: int) -> Iterator[tuple[Call, Fraction]]:
    """Calls, and their dollars by hand."""
    random = Random(seed)
    for number in range(_SCRIPTED):
        yield (_anthropic, _openai, _google)[number % 3](random)


def _anthropic(random: Random) -> tuple[Call, Fraction]:
    """Sonnet 4.5: 3 dollars a million, 0.30 read, 3.75 and 6 written, 15 answered."""
    fresh, read, short, hour, out = (random.randrange(3000) for _ in range(5))
    raw = {
        "input_tokens": fresh,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": short + hour,
        "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": hour},
        "output_tokens": out,
    }
    paid = 300 * fresh + 30 * read + 375 * short + 600 * hour + 1500 * out
    return _call(raw, "claude-sonnet-4-5", "anthropic"), Fraction(paid, 10**8)


def _openai(random: Random) -> tuple[Call, Fraction]:
    """GPT-5 mini: 0.25 dollars a million, 0.025 read, 2 answered, thinking included."""
    total, out = random.randrange(2000, 6000), random.randrange(2000)
    read = random.randrange(2000)
    raw = {
        "prompt_tokens": total,
        "completion_tokens": out,
        "prompt_tokens_details": {"cached_tokens": read},
        "completion_tokens_details": {"reasoning_tokens": out // 2},
    }
    paid = 250 * (total - read) + 25 * read + 2000 * out
    return _call(raw, "gpt-5-mini", "openai"), Fraction(paid, 10**9)


def _google(random: Random) -> tuple[Call, Fraction]:
    """Gemini 2.5 Pro: 1.25, 0.125 and 10 dollars; 2.50, 0.25 and 15 beyond 200,000 tokens."""
    long = random.random() < 0.3
    total = random.randrange(2000, 9000) + 200_001 * long
    read, out, thought = (random.randrange(2000) for _ in range(3))
    raw = {
        "promptTokenCount": total,
        "cachedContentTokenCount": read,
        "candidatesTokenCount": out,
        "thoughtsTokenCount": thought,
    }
    prices = (2500, 250, 15_000) if long else (1250, 125, 10_000)
    paid = prices[0] * (total - read) + prices[1] * read + prices[2] * (out + thought)
    return _call(raw, "gemini-2.5-pro", "google"), Fraction(paid, 10**9)


def _call(raw: Mapping[str, Any], model: str, provider: str) -> Call:
    found = read_usage(raw, provider)
    if found is None:
        raise AssertionError(f"no usage was read from {raw}")
    return Call(model=model, provider=provider, usage=found.usage, classes=found.classes, at=_AT)


def written(folder: str, calls: int, seed: int) -> Path:
    """A ledger of made-up calls."""
    path = Path(folder) / "calls.db"
    with SqliteLedger(path) as ledger:
        for number, call in enumerate(demo_calls(calls, seed), 1):
            ledger.record(call)
            if not number % _PAUSE:
                ledger.flush()
    return path


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--calls", type=int, default=1_000_000, help="in the ledger")
    chosen = arguments.parse_args()
    pairs = list(scripted(chosen.seed))
    by_hand = float(sum(dollars for _, dollars in pairs))
    error = abs(audit([call for call, _ in pairs]).coverage.dollars - by_hand)
    say(chosen.json, f"{len(pairs)} scripted calls: {by_hand:.6f} dollars, off by {error:.9f}")
    with tempfile.TemporaryDirectory(prefix="ragthrift-") as folder:
        started = time.perf_counter()
        path = written(folder, chosen.calls, chosen.seed)
        megabytes = path.stat().st_size / 1e6
        say(chosen.json, f"written in {time.perf_counter() - started:.0f} s, {megabytes:.0f} MB")
        code = [sys.executable, "-c", _CHILD, str(path)]
        done = subprocess.run(code, check=True, capture_output=True, text=True)
    calls, seconds, cpu, most = json.loads(done.stdout)
    result = {
        "dollars_error": round(error, 9),
        "calls": calls,
        "calls_per_s": round(calls / seconds),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "megabytes": round(most),
    }
    finish({**result, **_overhead()})


def _overhead() -> dict[str, float]:
    """By the recorder in LangChain; nothing where that is not installed."""
    try:
        from benchmarks.ledger_overhead import handler_ms

        found = handler_ms(1000)
    except ImportError:
        return {}
    return {"handler_ms": round(found["p50"], 3), "handler_p95_ms": round(found["p95"], 3)}


if __name__ == "__main__":
    main()
