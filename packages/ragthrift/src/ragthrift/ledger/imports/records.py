"""The records of a file: lines of JSON, one JSON document, or a table."""

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from ragthrift.ledger.imports.spans import unwrapped

_LISTS = ("data", "runs", "observations", "spans", "logs", "items", "results")
_FIELD_CHARACTERS = 2**31 - 1


def records_in(path: Path) -> Iterator[dict[str, Any] | str]:
    """Each record; a text for a line that is none."""
    with _opened(path) as file:
        if path.name.removesuffix(".gz").endswith(".csv"):
            csv.field_size_limit(_FIELD_CHARACTERS)
            yield from csv.DictReader(file)
            return
        first = next((line for line in file if line.strip()), "")
        file.seek(0)
        if _is_document(first):
            yield from _in_document(file.read())
        else:
            for line in file:
                if line.strip():
                    yield from _in_line(line)


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="")
    return open(path, encoding="utf-8-sig", errors="replace", newline="")


def _is_document(first: str) -> bool:
    """Whether a file that begins with this line is one document, and not one a line."""
    try:
        return isinstance(json.loads(first), list)
    except ValueError:
        return first.strip() in ("{", "[") or first.lstrip()[:1] == "["


def _in_document(text: str) -> Iterator[dict[str, Any] | str]:
    try:
        whole = json.loads(text)
    except ValueError as error:
        yield str(error)
        return
    if isinstance(whole, dict) and "resourceSpans" not in whole:
        lists = (whole[name] for name in _LISTS if isinstance(whole.get(name), list))
        whole = next(lists, [whole])
    for one in whole if isinstance(whole, list) else [whole]:
        yield from unwrapped(one) if isinstance(one, dict) else ("is no JSON object",)  # type: ignore[misc]


def _in_line(line: str) -> Iterator[dict[str, Any] | str]:
    try:
        one = json.loads(line)
    except ValueError as error:
        yield str(error)
        return
    if not isinstance(one, dict):
        yield "is no JSON object"
    elif (
        len(one) == 1 and isinstance(one.get(next(iter(one))), list) and "resourceSpans" not in one
    ):
        yield from one[next(iter(one))]
    else:
        yield from unwrapped(one)  # type: ignore[misc]
