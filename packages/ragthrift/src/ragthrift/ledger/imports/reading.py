"""A file of another tool, read as calls."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from ragthrift.errors import InputError
from ragthrift.ledger.call import Call
from ragthrift.ledger.imports import langfuse, langsmith, litellm, telemetry
from ragthrift.ledger.imports.fields import Record
from ragthrift.ledger.imports.records import records_in
from ragthrift.ledger.json_form import unpacked
from ragthrift.ledger.sqlite_ledger import SqliteLedger

T = TypeVar("T")

_LOOKED_AT = 200
"""Records that are looked at to tell what a file is."""
_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class _Form:
    fits: Callable[[Record], bool]
    call: Callable[[Record, Mapping[str, str]], Call | None]
    root: Callable[[Record], tuple[str, str] | None] | None = None
    """The trace that a record begins, and its name: the request type of its calls."""


def _ours(record: Record) -> bool:
    return isinstance(record.get("usage"), dict) and "model" in record and "at" in record


_FORMS: Mapping[str, _Form] = {
    "ragthrift": _Form(_ours, lambda record, _: unpacked(record)),
    "langsmith": _Form(langsmith.fits, langsmith.call, langsmith.root_of),
    "langfuse": _Form(langfuse.fits, langfuse.call, langfuse.root_of),
    "litellm": _Form(litellm.fits, litellm.call),
    "openinference": _Form(
        telemetry.fits_openinference, telemetry.openinference_call, telemetry.root_of
    ),
    "otel": _Form(telemetry.fits_otel, telemetry.otel_call, telemetry.root_of),
}
FORMS = tuple(_FORMS)
"""What `read_calls` can read."""


class CallReader:
    """The calls of a file, one at a time; what else was in it is counted meanwhile."""

    def __init__(self, path: Path, form: str) -> None:
        self.path, self.form = path, form
        self.skipped = 0
        """Records that are no model calls, such as chains and retrievals."""
        self.malformed = 0
        self.first_malformed = ""
        """Where the first one is, and what is wrong with it."""

    def __iter__(self) -> Iterator[Call]:
        self.skipped, self.malformed, self.first_malformed = 0, 0, ""
        if self.form == "sqlite":
            with SqliteLedger(self.path) as ledger:
                yield from ledger.calls()
            return
        form, roots = _FORMS[self.form], self._roots()
        for place, record in enumerate(records_in(self.path), 1):
            try:
                if isinstance(record, str):
                    raise ValueError(record)
                call = form.call(record, roots)
            except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
                self.malformed += 1
                self.first_malformed = self.first_malformed or f"record {place}: {error}"
            else:
                self.skipped += call is None
                if call is not None:
                    yield call

    def _roots(self) -> dict[str, str]:
        """Names of traces: a trace's beginning may stand behind its calls."""
        root = _FORMS[self.form].root
        if root is None:
            return {}
        found = (_quietly(root, one) for one in records_in(self.path) if not isinstance(one, str))
        roots: dict[str, str] = {}
        for trace, name in filter(None, found):
            roots.setdefault(trace, name)
        return roots


def read_calls(path: str | os.PathLike[str], *, form: str | None = None) -> CallReader:
    """The calls in a ledger's file, or in an export of another tool.

    OpenTelemetry spans with GenAI attributes and OpenInference spans (as OTLP in JSON, or one a
    line), LangSmith's runs, Langfuse's observations, LiteLLM's spend logs; JSON, JSONL or CSV, also
    gzipped. `form` is one of `FORMS`; without it the file is looked at.
    """
    path = Path(path)
    if form is not None and form not in _FORMS:
        raise InputError(f"unknown format {form!r}; use one of {', '.join(FORMS)}")
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    if form is None:
        with open(path, "rb") as file:
            if file.read(len(_SQLITE)) == _SQLITE:
                return CallReader(path, "sqlite")
    return CallReader(path, form or _guessed(path))


def _guessed(path: Path) -> str:
    some = [one for one in islice(records_in(path), _LOOKED_AT) if not isinstance(one, str)]
    fitting = {
        name: sum(bool(_quietly(form.fits, one)) for one in some) for name, form in _FORMS.items()
    }
    best = max(fitting, key=lambda name: fitting[name])
    if not fitting[best]:
        raise InputError(
            f"{path} looks like none of the formats {', '.join(FORMS)}; "
            "if it is one of them, say which with --format"
        )
    return best


def _quietly(read: Callable[[Record], T], record: Record) -> T | None:
    """What is malformed is counted where calls are read."""
    try:
        return read(record)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        return None
