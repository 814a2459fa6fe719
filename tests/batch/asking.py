"""Requests, and runners that do not wait for long."""

from collections.abc import Sequence
from pathlib import Path

from ragthrift import Message
from ragthrift.batch import (
    AnthropicBatches,
    BatchProvider,
    BatchRequest,
    BatchRunner,
    Limits,
    OpenAIBatches,
    Pace,
)
from ragthrift.ledger.recorder import Records
from tests.batch.anthropic_api import AnthropicApi
from tests.batch.loopback import KEY, Loopback
from tests.batch.openai_api import OpenAIApi

QUICK = Pace(first=0.01, longest=0.05, settle=0.0)
ROOMY = Limits(requests=50_000, bytes=200_000_000)
Api = OpenAIApi | AnthropicApi


def asked(*questions: str, request_type: str = "faq") -> list[BatchRequest]:
    """A request for each question, under the question as its id."""
    system = Message("system", "You are the waiter of a canteen.")
    return [
        BatchRequest(
            id=question,
            messages=[system, Message("user", question)],
            max_tokens=90,
            request_type=request_type,
        )
        for question in questions
    ]


def provider_for(
    server: Loopback, *, limits: Limits = ROOMY, pace: Pace = QUICK, key: str = KEY
) -> BatchProvider:
    """The provider that speaks what the server does."""
    if isinstance(server.api, OpenAIApi):
        return OpenAIBatches(
            "gpt-5-mini", api_key=key, base_url=f"{server.address}/v1", limits=limits, pace=pace
        )
    return AnthropicBatches(
        "claude-haiku-4-5", api_key=key, base_url=server.address, limits=limits, pace=pace
    )


def runner_for(
    server: Loopback,
    store: Path,
    *,
    limits: Limits = ROOMY,
    pace: Pace = QUICK,
    ledger: Records | None = None,
    attempts: int = 3,
) -> BatchRunner:
    """A runner on a file in a folder."""
    provider = provider_for(server, limits=limits, pace=pace)
    return BatchRunner(provider, store / "batches.db", ledger=ledger, attempts=attempts)


def questions(number: int) -> Sequence[str]:
    """Different ones."""
    return [f"question {n}" for n in range(number)]


def run_once(server: Loopback, wanted: Sequence[str]) -> bool:
    """Whether the provider ran each question once, and no other."""
    assert isinstance(server.api, Api)
    return dict(server.api.ran) == dict.fromkeys(wanted, 1)
