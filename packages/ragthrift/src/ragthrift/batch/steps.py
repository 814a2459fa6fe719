"""What is next for a job: every step is noted, taken, and noted as taken."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice

from ragthrift.batch.answers import write_answer
from ragthrift.batch.custom_ids import custom_id, number_of
from ragthrift.batch.pace import BusyError, NotNowError, RefusedError
from ragthrift.batch.provider import BatchProvider, Line, Status
from ragthrift.batch.store import JobRow, JobStore, Part

_AT_ONCE = 200
"""Results in one transaction."""
_KEY_REFUSED = (401, 403)
_LOST = "the provider's results say nothing of this request"


class Steps:
    """Takes each of a job's batches as far as it goes at the moment."""

    def __init__(self, store: JobStore, provider: BatchProvider, job: JobRow) -> None:
        self._store, self._provider, self._job = store, provider, job

    def take(self) -> list[NotNowError]:
        """Plan, submit, ask and fetch; what has to wait, and why.

        Raises `RefusedError` for a key that the provider does not take.
        """
        if self._job.cancelled:
            self._store.drop_unsent(self._job.id)
        else:
            self._store.plan(self._job.id, self._provider.limits)
        if (wait := self._job.quiet_until - time.time()) > 0:
            return [NotNowError("the provider asked to be left alone for a while", wait)]
        waiting = []
        for part in self._store.parts(self._job.id):
            try:
                self._go_on(part)
            except NotNowError as reason:
                waiting.append(reason)
                if reason.all_of_it:
                    self._store.leave_alone(self._job.id, time.time() + reason.seconds)
                    break
        if self._job.cancelled:
            self._store.drop_unsent(self._job.id)  # what came back to be asked again
        return waiting

    def _go_on(self, part: Part) -> None:
        at: Part | None = part
        try:
            while at is not None:
                part, at = at, self._next(at)
        except RefusedError as error:
            part = self._store.part(part.token)
            if error.status in _KEY_REFUSED or part.step in ("uploading", "submitting"):
                raise
            self._give_up(part, str(error))

    def _next(self, part: Part) -> Part | None:
        """The part after one step; `None` where nothing more can be done now."""
        if part.step == "planned":
            return self._upload(part)
        if part.step == "uploading":
            found = self._provider.find_upload(self._store.sending(part))
            step = "planned" if found is None else "uploaded"
            return self._store.note(part.token, step=step, upload=found)
        if part.step == "uploaded":
            return self._submit(part)
        if part.step == "submitting":
            return self._look_for(part)
        if part.step == "submitted":
            return self._ask(part)
        if part.step == "ended":
            self._fetch(part)
        return None

    def _upload(self, part: Part) -> Part:
        part = self._store.note(part.token, step="uploading", begun_at=time.time())
        try:
            name = self._provider.upload(self._store.sending(part))
        except (BusyError, RefusedError):
            self._store.note(part.token, step="planned")
            raise
        return self._store.note(part.token, step="uploaded", upload=name)

    def _submit(self, part: Part) -> Part:
        if (wait := part.not_before - time.time()) > 0:
            raise NotNowError("the provider's queue is full; waiting to submit again", wait)
        mark = self._provider.mark()
        part = self._store.note(
            part.token, step="submitting", begun_at=time.time(), mark=mark, not_before=0.0
        )
        try:
            batch = self._provider.create(self._store.sending(part), part.upload or "")
        except (BusyError, RefusedError):
            self._store.note(part.token, step="uploaded")
            raise
        return self._store.note(part.token, step="submitted", batch=batch)

    def _look_for(self, part: Part) -> Part:
        """A submission was not confirmed: ask before it is made again."""
        batch = self._provider.find_batch(self._store.sending(part))
        if batch is not None:
            return self._store.note(part.token, step="submitted", batch=batch, not_before=0.0)
        if not part.not_before:
            part = self._store.note(part.token, not_before=time.time() + self._provider.pace.settle)
        if (wait := part.not_before - time.time()) > 0:
            raise NotNowError("a submission was not confirmed and is not listed yet", wait)
        return self._store.note(part.token, step="uploaded", not_before=0.0)

    def _ask(self, part: Part) -> Part | None:
        batch = part.batch or ""
        if self._job.cancelled and not part.cancelling:
            self._provider.cancel(batch)
            self._store.note(part.token, cancelling=1)
        status = self._provider.status(batch)
        if status.state == "ended":
            return self._store.note(part.token, step="ended")
        if status.state == "failed":
            return self._failed(part, status)
        return None

    def _failed(self, part: Part, status: Status) -> Part | None:
        """Refused as a whole: again as it is, or without the lines that were at fault."""
        if status.again:
            wait = self._provider.pace.after(part.refusals)
            self._store.note(
                part.token,
                step="uploaded",
                batch=None,
                refusals=part.refusals + 1,
                not_before=time.time() + wait,
            )
            raise NotNowError(status.error, wait)
        if not status.errors:
            self._give_up(part, status.error)
            return None
        self._settle(part, self._without_faulty(part, status))
        self._store.note(part.token, step="closed")
        return None

    def _without_faulty(self, part: Part, status: Status) -> Iterator[Line]:
        for at, number in enumerate(self._store.numbers(part.token)):
            error = status.errors.get(at)
            said = error or "another request of its batch was refused"
            yield Line(custom_id(part.token, number), error=said, again=error is None)

    def _fetch(self, part: Part) -> None:
        self._settle(part, self._provider.results(part.batch or ""))
        left = self._store.numbers(part.token)
        lost = (Line(custom_id(part.token, n), error=_LOST, again=True) for n in left)
        self._settle(part, lost)
        self._store.note(part.token, step="closed")

    def _give_up(self, part: Part, error: str) -> None:
        numbers = self._store.numbers(part.token)
        self._settle(part, (Line(custom_id(part.token, n), error=error) for n in numbers))
        self._store.note(part.token, step="closed")

    def _settle(self, part: Part, lines: Iterable[Line]) -> None:
        coming = iter(lines)
        while some := list(islice(coming, _AT_ONCE)):
            kept = [
                (number, line, write_answer(line, self._provider.name, part.begun_at))
                for line in some
                if (number := number_of(line.custom_id, part.token)) is not None
            ]
            self._store.settle(part, kept, self._job.attempts)
