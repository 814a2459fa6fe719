"""What a batch costs beside the same calls one by one: `python -m benchmarks.batch`.

1,000 RAG calls (1,500 tokens of system message, 3,000 of documents, 30 of question, 150 of answer),
priced call by call as the ledger does, at the prices of 22 November 2026. `cached` has the system
message from the provider's prompt cache in all calls but the first, which writes it.
`requests_per_s` is what the runner itself takes, over a model that answers at once: planning,
files, SQLite, results and the ledger.
"""

import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.shared import finish, parser, say
from ragthrift import Message, Usage
from ragthrift.batch import BatchRequest, BatchRunner, LocalBatches, Pace
from ragthrift.ledger import Call, Processing, SqliteLedger
from ragthrift.ledger.pricing import Prices
from ragthrift.testing import ScriptedLLM

SYSTEM, DOCUMENTS, QUESTION, ANSWER = 1_500, 3_000, 30, 150
CALLS = 1_000
MODELS: Mapping[str, str] = {
    "gpt-5-mini": "openai",
    "gpt-5.1": "openai",
    "claude-haiku-4-5": "anthropic",
    "claude-sonnet-4-5": "anthropic",
}
DAY = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()


def bill(model: str, processing: Processing, *, cached: bool) -> float | None:
    """Dollars of all calls; `None` where a price is unknown."""
    prices, total = Prices(), 0.0
    for number in range(CALLS):
        read = SYSTEM if cached and number else 0
        write = SYSTEM if cached and not number and MODELS[model] == "anthropic" else 0
        usage = Usage(SYSTEM + DOCUMENTS + QUESTION, ANSWER, read, write)
        call = Call(model=model, provider=MODELS[model], usage=usage, processing=processing, at=DAY)
        dollars = prices.dollars(call)
        if dollars is None:
            return None
        total += float(dollars)
    return round(total, 4)


def throughput(requests: int) -> float:
    """Requests a second, from `submit` to the last call in the ledger."""
    asked = [
        BatchRequest(id=str(n), messages=[Message("user", f"question {n}? " + "word " * 500)])
        for n in range(requests)
    ]
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder)
        provider = LocalBatches(ScriptedLLM("Yes."), files, pace=Pace(first=0.05, longest=0.05))
        with (
            SqliteLedger(files / "calls.db") as ledger,
            BatchRunner(provider, files / "batches.db", ledger=ledger) as runner,
        ):
            begun = time.perf_counter()
            runner.submit(asked).wait()
            return requests / (time.perf_counter() - begun)


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "").parse_args()
    found: dict[str, dict[str, float | None]] = {}
    for model in MODELS:
        found[model] = {
            "sync": bill(model, "standard", cached=False),
            "sync_cached": bill(model, "standard", cached=True),
            "batch": bill(model, "batch", cached=False),
            "batch_cached": bill(model, "batch", cached=True),
        }
        say(arguments.json, f"{model}: {found[model]}")
    speed = throughput(arguments.limit or 5_000)
    finish({"dollars_per_1000_calls": found, "requests_per_s": round(speed)})


if __name__ == "__main__":
    main()
