"""`ragthrift batch`: jobs that were submitted, from the command line."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ragthrift.batch.anthropic_batches import AnthropicBatches
from ragthrift.batch.openai_batches import OpenAIBatches
from ragthrift.batch.provider import BatchProvider
from ragthrift.batch.runner import BatchRunner, Job
from ragthrift.batch.store import JobStore
from ragthrift.batch.vllm_batches import VLLMBatches
from ragthrift.errors import InputError, RagthriftError
from ragthrift.ledger.stores import open_ledger

batch = typer.Typer(help="Jobs of many requests at half the price.", no_args_is_help=True)

UNUSABLE, UNFINISHED = 2, 3

Name = Annotated[str, typer.Argument(help="The job's name")]
Store = Annotated[Path, typer.Option(help="The file that the job was submitted with")]
LedgerFile = Annotated[Path | None, typer.Option(help="A ledger that gets each answer's call")]


@batch.callback()
def _stay_a_group() -> None:
    """Without a callback, typer would make the only subcommand the whole program."""


@batch.command("list")
def list_(store: Store) -> None:
    """The jobs of a store and how far each is; asks no provider."""
    with _telling(), _kept(store) as jobs:
        for name in jobs.jobs():
            states = ", ".join(f"{n} {state}" for state, n in sorted(jobs.states(name).items()))
            typer.echo(f"{name}: {states}")


@batch.command()
def status(job: Name, store: Store, ledger: LedgerFile = None) -> None:
    """Ask once, take what is there, and say how far the job is."""
    with _telling(), _job(job, store, ledger) as found:
        typer.echo(str(found.poll()))


@batch.command()
def resume(
    job: Name,
    store: Store,
    ledger: LedgerFile = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds to wait at most")] = None,
) -> None:
    """Go on with a job until it is done; exit code 3 if it is not by then."""
    with _telling(), _job(job, store, ledger) as found:
        progress = found.wait(timeout)
    typer.echo(str(progress))
    if not progress.done:
        raise typer.Exit(UNFINISHED)


@batch.command()
def cancel(job: Name, store: Store) -> None:
    """Ask for the end of a job; what is answered is kept."""
    with _telling(), _job(job, store, None) as found:
        typer.echo(str(found.cancel()))


@batch.command()
def results(job: Name, store: Store) -> None:
    """What came of the requests so far, a line of JSON each; asks no provider."""
    with _telling(), _kept(store) as jobs:
        jobs.known(job)
        for result in jobs.results(job):
            typer.echo(json.dumps(asdict(result)))


def provider_of(described: Mapping[str, str]) -> BatchProvider:
    """The provider that a job was submitted to; its key comes from the environment."""
    kind = described["kind"]
    if kind == "openai":
        return OpenAIBatches(described["model"], base_url=described["base_url"])
    if kind == "anthropic":
        return AnthropicBatches(described["model"], base_url=described["base_url"])
    if kind == "vllm":
        return VLLMBatches(described["model"], described["folder"])
    raise InputError(
        f"the job was submitted to {dict(described)}, which the command line cannot make; take it "
        "up in Python, by BatchRunner(provider, store).job(name)"
    )


@contextmanager
def _kept(store: Path) -> Iterator[JobStore]:
    if not store.is_file():
        raise InputError(f"there is no file {store}")
    jobs = JobStore(store)
    try:
        yield jobs
    finally:
        jobs.close()


@contextmanager
def _job(name: str, store: Path, ledger: Path | None) -> Iterator[Job]:
    with _kept(store) as jobs:
        provider = provider_of(jobs.known(name).provider)
    calls = open_ledger(ledger) if ledger else None
    with calls or nullcontext(), BatchRunner(provider, store, ledger=calls) as runner:
        yield runner.job(name)


@contextmanager
def _telling() -> Iterator[None]:
    """What the user got wrong, in one line."""
    try:
        yield
    except RagthriftError as error:
        typer.echo(f"ragthrift: {error}", err=True)
        raise typer.Exit(UNUSABLE) from error
