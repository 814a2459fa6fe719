"""Files of JSON records, whose errors name the file, the place in it and the field."""

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragthrift import InputError


@dataclass(frozen=True, slots=True)
class Record:
    """A JSON object that knows where it was read, so that what is wrong with it can be found.

    >>> Record({"year": 1901}, "prizes.jsonl, line 3").text("year")
    '1901'
    >>> Record({"year": 1901}, "prizes.jsonl, line 3").text("name")
    Traceback (most recent call last):
    ragthrift.errors.InputError: prizes.jsonl, line 3 lacks "name"; it holds "year"
    """

    fields: Mapping[str, Any]
    place: str

    def __contains__(self, name: str) -> bool:
        return self.fields.get(name) is not None

    def value(self, name: str) -> Any:
        """What stands there, of any kind; `null` counts as missing."""
        if name not in self:
            held = ", ".join(f'"{field}"' for field in self.fields)
            raise InputError(f'{self.place} lacks "{name}"; it holds {held or "nothing"}')
        return self.fields[name]

    def text(self, name: str) -> str:
        """A text that is not blank; a number is taken as its digits."""
        return self._as_text(name, self.value(name), "a text that is not blank")

    def text_or_none(self, name: str) -> str | None:
        """A text, or `None` where the field is missing."""
        return self.text(name) if name in self else None

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of at least one text, or a single text."""
        value = self.value(name)
        items = value if isinstance(value, list) else [value]
        if not items:
            raise self.wrong(name, "a list of at least one text", value)
        return tuple(self._as_text(name, item, "a text or a list of texts") for item in items)

    def whole(self, name: str) -> int:
        """A whole number."""
        value = self.value(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(name, "a whole number", value)
        return value

    def record(self, name: str) -> "Record":
        """The object there."""
        value = self.value(name)
        if not isinstance(value, dict):
            raise self.wrong(name, "an object", value)
        return Record(value, f"{self.place}, {name}")

    def records(self, name: str) -> list["Record"]:
        """The list of objects there."""
        value = self.value(name)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.wrong(name, "a list of objects", value)
        return [
            Record(item, f"{self.place}, {name} {at}") for at, item in enumerate(value, start=1)
        ]

    def wrong(self, name: str, wanted: str, value: object) -> InputError:
        """The error for a field that holds something else than was wanted."""
        return InputError(f'{self.place}: "{name}" must be {wanted}, not {_shown(value)}')

    def _as_text(self, name: str, value: object, wanted: str) -> str:
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        raise self.wrong(name, wanted, value)


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def read_lines(path: Path) -> list[Record]:
    """The objects of a file of JSON lines; blank lines are passed over, `.gz` is unpacked."""
    lines = read_text(path).split("\n")
    numbered = [(at, line) for at, line in enumerate(lines, start=1) if line.strip()]
    if not numbered:
        raise InputError(f"{path} is empty; it should hold one JSON object a line")
    return [
        _object(_parse(line, f"{path}, line {at}"), f"{path}, line {at}") for at, line in numbered
    ]


def read_list(path: Path) -> list[Record]:
    """The objects of a file that holds a JSON list; `.gz` is unpacked."""
    items = _parse(read_text(path), str(path))
    if not isinstance(items, list) or not items:
        raise InputError(f"{path} should hold a JSON list of objects, not {_shown(items)}")
    return [_object(item, f"{path}, item {at}") for at, item in enumerate(items, start=1)]


def read_json(path: Path) -> Any:
    """Whatever JSON the file holds; `.gz` is unpacked."""
    return _parse(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of a UTF-8 file; `.gz` is unpacked."""
    if not path.is_file():
        raise InputError(f"no file {path}")
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path} is not a whole gzip file: {error}") from error


def _parse(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{place} is not JSON: {error}") from error


def _object(value: object, place: str) -> Record:
    if not isinstance(value, dict):
        raise InputError(f"{place} should be a JSON object, not {_shown(value)}")
    return Record(value, place)
