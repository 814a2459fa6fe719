"""A program dies in the middle of a batch; the next one goes on, and asks nothing twice."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from ragthrift import Message
from ragthrift.batch import BatchRequest, BatchRunner, LocalBatches, Pace
from ragthrift.ledger import SqliteLedger
from ragthrift.testing import ScriptedLLM

DOCUMENTS = {f"page-{n}": f"On day {n} the canteen serves soup number {n}." for n in range(12)}


def summarise(messages: Sequence[Message]) -> str:
    """Stand in for a model: any `LLM` will do, or OpenAIBatches, or AnthropicBatches."""
    return messages[-1].content.removesuffix(".").rpartition("serves ")[2]


folder = Path(tempfile.mkdtemp())
llm = ScriptedLLM(summarise)
requests = [
    BatchRequest(
        id=name,
        messages=[Message("system", "Summarise in three words."), Message("user", text)],
        max_tokens=20,
        request_type="ingestion",
    )
    for name, text in DOCUMENTS.items()
]

provider = LocalBatches(llm, folder / "files", parallel=1, pace=Pace(first=0.01, longest=0.1))
dead = BatchRunner(provider, folder / "batches.db")
print("before:", dead.submit(requests, job="ingestion").progress())
dead.close()  # as good as dead: what was under way is thrown away

provider = LocalBatches(llm, folder / "files", pace=Pace(first=0.01, longest=0.1))
with (
    SqliteLedger(folder / "calls.db") as ledger,
    BatchRunner(provider, folder / "batches.db", ledger=ledger) as runner,
):
    job = runner.submit(requests, job="ingestion")  # the same program again
    print("after: ", job.wait())
    for name, result in list(job.results().items())[:3]:
        print(f"  {name}: {result.completion.text if result.completion else result.error}")
    print(len(llm.calls), "calls of the model;", len(list(ledger.calls())), "in the ledger")
