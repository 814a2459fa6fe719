"""Asks every question under every configuration, and forgets nothing when it is stopped."""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from rich.progress import Progress

from ragthrift_bench.attempts import Application, Attempt
from ragthrift_bench.cases import Case
from ragthrift_bench.configurations import Configuration
from ragthrift_bench.journal import Journal
from ragthrift_bench.progress import step

Attempts = list[Attempt | Exception]
"""One for each case, in order; an exception where it failed."""

log = logging.getLogger(__name__)


def attempt_all(
    configurations: Sequence[Configuration],
    cases: Sequence[Case],
    *,
    folder: Path,
    jobs: int,
    progress: Progress,
) -> Mapping[str, Attempts]:
    """The attempts of each configuration by its name, those from earlier runs taken from `folder`.

    Failures are not kept, so that the next run tries them again.
    """
    return {
        configuration.name: _attempt(configuration, cases, folder, jobs, progress)
        for configuration in configurations
    }


def _attempt(
    configuration: Configuration,
    cases: Sequence[Case],
    folder: Path,
    jobs: int,
    progress: Progress,
) -> Attempts:
    journal = Journal(folder, configuration.key)
    kept = [journal.get(case) for case in cases]
    if None not in kept:
        return [attempt for attempt in kept if attempt]
    with step(progress, f"{configuration.name}: loading"):
        application = configuration.build()
    bar = progress.add_task(configuration.name, total=len(cases))

    def ask(at: int) -> Attempt | Exception:
        done = kept[at] or _asked(application, cases[at], journal)
        progress.advance(bar)
        return done

    return _in_order(ask, len(cases), jobs)


def _asked(application: Application, case: Case, journal: Journal) -> Attempt | Exception:
    try:
        attempt = application(case)
    except Exception as error:
        log.debug("%s failed", case.id, exc_info=error)
        return error
    journal.add(case, attempt)
    return attempt


def _in_order(ask: Callable[[int], Attempt | Exception], count: int, jobs: int) -> Attempts:
    """Ask with so many threads at once; one that is interrupted starts no further question."""
    if jobs == 1:
        return [ask(at) for at in range(count)]
    stopped = Event()

    def unless_stopped(at: int) -> Attempt | Exception:
        return InterruptedError() if stopped.is_set() else ask(at)

    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(unless_stopped, at) for at in range(count)]
        try:
            return [each.result() for each in waiting]
        except BaseException:
            stopped.set()
            raise
