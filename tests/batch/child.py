"""A program that asks 12 questions in batches of 5, and is killed now and then."""

import os
import signal
import sys
from pathlib import Path

from ragthrift.batch import AnthropicBatches, BatchProvider, BatchRunner, Limits, OpenAIBatches
from ragthrift.ledger import Call
from ragthrift.ledger.sqlite_ledger import SqliteLedger
from tests.batch.asking import QUICK, asked, questions
from tests.batch.loopback import KEY

QUESTIONS = questions(12)
FIVE = Limits(requests=5, bytes=10_000_000)


class DeadlyLedger(SqliteLedger):
    """Kills its process instead of keeping a certain call; the file says that it did."""

    def __init__(self, path: Path, deadly: int) -> None:
        super().__init__(path)
        self._left = deadly

    def record(self, call: Call) -> None:
        self._left -= 1
        if not self._left:
            self.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        super().record(call)


def provider(kind: str, address: str) -> BatchProvider:
    if kind == "openai":
        address = f"{address}/v1"
        return OpenAIBatches("gpt-5-mini", api_key=KEY, base_url=address, limits=FIVE, pace=QUICK)
    return AnthropicBatches(
        "claude-haiku-4-5", api_key=KEY, base_url=address, limits=FIVE, pace=QUICK
    )


def main(kind: str, address: str, folder: Path, deadly: int) -> None:
    with (
        DeadlyLedger(folder / "calls.db", deadly) as ledger,
        BatchRunner(provider(kind, address), folder / "batches.db", ledger=ledger) as runner,
    ):
        assert runner.submit(asked(*QUESTIONS), job="nightly").wait(60).done


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
