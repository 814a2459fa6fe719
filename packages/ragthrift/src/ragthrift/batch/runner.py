"""Jobs of many requests that a provider answers at its leisure, at half the price."""

import json
import os
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from types import TracebackType
from typing import Self

from ragthrift.batch.answers import call_of
from ragthrift.batch.pace import NotNowError
from ragthrift.batch.portions import check_size
from ragthrift.batch.provider import BatchProvider
from ragthrift.batch.request import BatchRequest, BatchResult, Progress
from ragthrift.batch.steps import Steps
from ragthrift.batch.store import JobRow, JobStore
from ragthrift.errors import InputError
from ragthrift.ledger.recorder import Records

OnProgress = Callable[[Progress], None]
_BOOKED_AT_ONCE = 100


class BatchRunner:
    """Submits jobs and takes them up again, whatever died in between.

    `store` is a file; each step is in it before it is taken. `ledger` gets a `Call` for each
    answer, with `processing="batch"` where that costs half. `attempts` is how often a request that
    failed or expired by no fault of its own is sent at most. A store may hold jobs of several
    providers; a job belongs to the one that it was submitted with.
    """

    def __init__(
        self,
        provider: BatchProvider,
        store: str | os.PathLike[str],
        *,
        ledger: Records | None = None,
        attempts: int = 3,
    ) -> None:
        if attempts < 1:
            raise InputError(f"attempts={attempts} must be at least 1")
        if not isinstance(provider, BatchProvider):
            raise InputError(f"{provider!r} is no BatchProvider, such as OpenAIBatches(model)")
        self.provider, self.ledger, self._attempts = provider, ledger, attempts
        self.store = JobStore(store)

    def submit(self, requests: Sequence[BatchRequest], *, job: str | None = None) -> "Job":
        """Keep the requests, then send them; the job, which may not have ended.

        The same requests give the same job, so that a program that died may just run again: it is
        not sent twice. To ask the same again, give the `job` another name. Raises `InputError`
        before anything is sent for requests that the provider cannot take, or for a name that
        belongs to other requests.
        """
        described = self.provider.describe()
        bodies = [json.dumps(self.provider.body(asked), sort_keys=True) for asked in requests]
        self._check(requests, bodies)
        digest = _digest(json.dumps(described, sort_keys=True), requests, bodies)
        name = job or digest
        row = JobRow(name, digest, described, self._attempts, time.time())
        self.store.add(row, zip(requests, bodies, strict=True))
        submitted = self.job(name)
        if submitted.digest != digest:
            raise InputError(
                f"the job {name!r} was submitted with other requests or settings; take it up by "
                "runner.job(), or give the new one another name"
            )
        submitted.poll()
        return submitted

    def job(self, name: str) -> "Job":
        """A job that was submitted before, perhaps by another process."""
        row = self.store.known(name)
        if dict(row.provider) != dict(self.provider.describe()):
            raise InputError(
                f"the job {name!r} was submitted to {dict(row.provider)}, not to "
                f"{dict(self.provider.describe())}; give the runner that provider"
            )
        return Job(self, row)

    def jobs(self) -> list[str]:
        """Names of all jobs in the store, the oldest first."""
        return self.store.jobs()

    def close(self) -> None:
        """Let go of the store and of the provider; jobs go on at the provider."""
        if close := getattr(self.provider, "close", None):
            close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _check(self, requests: Sequence[BatchRequest], bodies: Sequence[str]) -> None:
        if not requests:
            raise InputError("there is no request to submit")
        seen: set[str] = set()
        for asked, body in zip(requests, bodies, strict=True):
            if asked.id in seen:
                raise InputError(f"two requests have the id {asked.id!r}; results go by ids")
            seen.add(asked.id)
            check_size(asked.id, body, self.provider.limits)


class Job:
    """Requests that were submitted together."""

    def __init__(self, runner: BatchRunner, row: JobRow) -> None:
        self._runner, self._store = runner, runner.store
        self.id, self.digest, self.provider = row.id, row.digest, runner.provider

    def poll(self) -> Progress:
        """Take each step that can be taken now, and say how far the job is. Never waits.

        Raises `RefusedError` for a key that the provider does not take; the job stays as it is.
        """
        waiting: list[NotNowError] = []
        try:
            with self._store.alone():
                row = self._store.known(self.id)
                waiting = Steps(self._store, self._runner.provider, row).take()
                self._book()
        except NotNowError as reason:  # another process takes the steps
            waiting.append(reason)
        return self._progress(waiting)

    def wait(self, timeout: float | None = None, on_progress: OnProgress | None = None) -> Progress:
        """Poll until the job is done, or for `timeout` seconds; see `Progress.done`.

        Waits grow while nothing changes, differ by chance, and are never shorter than the provider
        asks for.
        """
        end = None if timeout is None else time.monotonic() + timeout
        pace, quiet = self._runner.provider.pace, 0
        before: Progress | None = None
        while True:
            now = self.poll()
            if on_progress:
                on_progress(now)
            if now.done or (end is not None and time.monotonic() >= end):
                return now
            same = before is not None and before.states == now.states
            quiet = quiet + 1 if same else 0
            before = now
            pause = pace.after(quiet)
            if now.wait_seconds:
                pause = max(pause, now.wait_seconds + pace.after(0) * pace.jitter)
            if end is not None:
                pause = min(pause, max(0.0, end - time.monotonic()))
            time.sleep(pause)

    def progress(self) -> Progress:
        """How far the job is by what is in the store; asks nobody."""
        return self._progress([])

    def results(self) -> dict[str, BatchResult]:
        """What came of each request that is answered, failed for good or cancelled, by its id."""
        return {result.id: result for result in self._store.results(self.id)}

    def cancel(self) -> Progress:
        """Ask for the end: what is answered by then is kept, the rest is cancelled.

        It takes the provider some minutes: go on polling.
        """
        self._store.cancel(self.id)
        return self.poll()

    def _progress(self, waiting: Sequence[NotNowError]) -> Progress:
        states = self._store.states(self.id)
        return Progress(
            sum(states.values()),
            states,
            len(self._store.parts(self.id)),
            max((reason.seconds for reason in waiting), default=0.0),
            tuple(dict.fromkeys(str(reason) for reason in waiting)),
        )

    def _book(self) -> None:
        """Tell the ledger of answers; after a death in between again, by the same id.

        A ledger that writes behind is flushed before that is noted. An `SqliteLedger` keeps a call
        once, so nothing is counted twice.
        """
        ledger = self._runner.ledger
        while ledger is not None:
            rows = self._store.unbooked(self.id, _BOOKED_AT_ONCE)
            if not rows:
                return
            for row in rows:
                ledger.record(call_of(row[:-1], self._runner.provider))
            flush = getattr(ledger, "flush", None)
            if flush is not None and flush() is False:
                return  # told again at the next look
            self._store.book(self.id, (row[-1] for row in rows))


def _digest(provider: str, requests: Sequence[BatchRequest], bodies: Sequence[str]) -> str:
    state = blake2b(provider.encode(), digest_size=8)
    for asked, body in zip(requests, bodies, strict=True):
        state.update(json.dumps([asked.id, asked.request_type, body]).encode())
    return state.hexdigest()
