"""Records everything that runs in a `with` block, or in the whole process."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

from langchain_core.tracers.context import register_configure_hook

from langchain_ragthrift.ledger.callback import LedgerCallback
from ragthrift.ledger import Recorder
from ragthrift.ledger.recorder import Records

_HERE: ContextVar[LedgerCallback | None] = ContextVar("ragthrift_audit", default=None)


class _Current:
    """What LangChain asks for a callback at every run: the block's, or the process's."""

    everywhere: LedgerCallback | None = None
    hooked = False

    def get(self) -> LedgerCallback | None:
        return _HERE.get() or self.everywhere

    def hook(self) -> None:
        """Once: LangChain has no way to take a hook back."""
        if not self.hooked:
            self.hooked = True
            register_configure_hook(cast(Any, self), inheritable=True)


_CURRENT = _Current()


@contextmanager
def audit(ledger: Records | Recorder, *, everywhere: bool = False) -> Iterator[Recorder]:
    """Record each model call that begins inside the block, without a callback being passed.

    The block holds for its own context: for what it awaits, and for LangChain's own threads.
    `everywhere=True` holds for all threads of the process until the block ends. Gives the recorder;
    all calls are in the ledger when the block ends.

    >>> from langchain_core.language_models import FakeListChatModel
    >>> calls = []
    >>> class Kept:
    ...     record = staticmethod(calls.append)
    >>> with audit(Kept()) as recorder:
    ...     said = FakeListChatModel(responses=["At noon."]).invoke("When is soup?")
    >>> len(calls), recorder.failures
    (1, {})
    """
    _CURRENT.hook()
    recorder = Recorder.of(ledger)
    callback = LedgerCallback(recorder)
    if everywhere:
        before, _CURRENT.everywhere = _CURRENT.everywhere, callback
    else:
        token = _HERE.set(callback)
    try:
        yield recorder
    finally:
        if everywhere:
            _CURRENT.everywhere = before
        else:
            _HERE.reset(token)
        recorder.flush()
