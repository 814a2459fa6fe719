"""Calls as rows of SQLite: names, and ids of documents, are kept once."""

import json
import re
import sqlite3
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, get_args

from ragthrift.database import Layout
from ragthrift.ledger.call import Call, Kind, Segment
from ragthrift.usage import Savings, Usage

LAYOUT: Final = Layout(
    "ledger",
    1,
    (
        "CREATE TABLE names (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
        "CREATE TABLE texts (digest TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID",
        """CREATE TABLE calls (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at REAL NOT NULL,
            request_type INTEGER NOT NULL, model INTEGER NOT NULL, provider INTEGER NOT NULL,
            purpose INTEGER NOT NULL, finish_reason INTEGER NOT NULL, input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL, cache_read_tokens INTEGER NOT NULL,
            cache_write_tokens INTEGER NOT NULL, question TEXT, session TEXT, trace TEXT,
            seconds REAL, first_token_seconds REAL, max_tokens INTEGER, segments BLOB, rest TEXT
        )""",
        "CREATE INDEX calls_at ON calls (at)",
    ),
)
INSERT: Final = f"INSERT OR IGNORE INTO calls VALUES (NULL{', ?' * 19})"  # noqa: S608 - marks
_SEGMENT: Final = struct.Struct("<QIIB")
"""Digest, tokens, number of the id's name; kind, `used` and whether its text is kept."""
_KINDS: Final[Sequence[Kind]] = get_args(Kind)
_USED: Final[Sequence[bool | None]] = (None, False, True)
_REST: Final = {
    "processing": "standard",
    "measured": True,
    "answered_by_cache": False,
    "retries": 0,
    "error": "",
}
_DIGEST: Final = re.compile("[0-9a-f]{16}")
_MOST_NAMES: Final = 200_000
_MOST_SEGMENTS: Final = 100_000
"""Remembered: documents come again and again."""


class Names:
    """Numbers of names, and the names of numbers; remembered."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """After a transaction that was taken back."""
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self.segments: dict[bytes, Segment] = {}

    def numbers(self, db: sqlite3.Connection, names: Iterable[str]) -> dict[str, int]:
        """Of all these, which are kept if they are new."""
        wanted = set(names)
        if len(self._numbers) > _MOST_NAMES:
            self._numbers.clear()
        new = [name for name in wanted if name not in self._numbers]
        db.executemany("INSERT OR IGNORE INTO names (name) VALUES (?)", [(name,) for name in new])
        query = "SELECT number FROM names WHERE name = ?"
        for name in new:
            (self._numbers[name],) = db.execute(query, (name,)).fetchone()
        return {name: self._numbers[name] for name in wanted}

    def name(self, db: sqlite3.Connection, number: int) -> str:
        """Of a number."""
        try:
            return self._names[number]
        except KeyError:
            query = "SELECT name FROM names WHERE number = ?"
            (name,) = db.execute(query, (number,)).fetchone()
            if len(self._names) > _MOST_NAMES:
                self._names.clear()
            return self._names.setdefault(number, str(name))


def names_in(call: Call) -> Iterable[str]:
    """What of a call is kept by number."""
    yield from (call.request_type, call.model, call.provider, call.purpose, call.finish_reason)
    yield from (segment.id for segment in call.segments)


def row(call: Call, numbers: Mapping[str, int]) -> tuple[object, ...]:
    """For `INSERT`."""
    usage = call.usage
    packed = _packed(call.segments, numbers)
    return (
        call.id,
        call.at,
        numbers[call.request_type],
        numbers[call.model],
        numbers[call.provider],
        numbers[call.purpose],
        numbers[call.finish_reason],
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        call.question or None,
        call.session or None,
        call.trace or None,
        call.seconds,
        call.first_token_seconds,
        call.max_tokens,
        packed,
        _rest(call, with_segments=packed is None),
    )


def call_of(db: sqlite3.Connection, row: Sequence[Any], names: Names) -> Call:
    """From `SELECT * FROM calls`."""
    rest: dict[str, Any] = json.loads(row[19]) if row[19] else {}
    if "segments" in rest:
        rest["segments"] = tuple(Segment(*fields) for fields in rest["segments"])
    elif row[18]:
        rest["segments"] = _segments(db, row[18], names)
    if "savings" in rest:
        rest["savings"] = {name: Savings(*pair) for name, pair in rest["savings"].items()}
    if "tags" in rest:
        rest["tags"] = tuple(rest["tags"])
    return Call(
        id=row[1],
        at=row[2],
        request_type=names.name(db, row[3]),
        model=names.name(db, row[4]),
        provider=names.name(db, row[5]),
        purpose=names.name(db, row[6]),
        finish_reason=names.name(db, row[7]),
        usage=Usage(*row[8:12]),
        question=row[12] or "",
        session=row[13] or "",
        trace=row[14] or "",
        seconds=row[15],
        first_token_seconds=row[16],
        max_tokens=row[17],
        **rest,
    )


def texts_in(calls: Iterable[Call]) -> Iterable[tuple[str, str]]:
    """Digests and texts of the segments that kept them."""
    for call in calls:
        for segment in call.segments:
            if segment.text is not None:
                yield segment.digest, segment.text.encode("utf-8", "replace").decode()


def _rest(call: Call, *, with_segments: bool) -> str | None:
    """What few calls have, as JSON."""
    rest = {name: value for name, plain in _REST.items() if (value := getattr(call, name)) != plain}
    if call.classes:
        rest["classes"] = dict(call.classes)
    if call.savings:
        rest["savings"] = {name: (s.before, s.after) for name, s in call.savings.items()}
    if call.tags:
        rest["tags"] = call.tags
    if with_segments and call.segments:
        rest["segments"] = [
            (s.kind, s.digest, s.tokens, s.id, s.used, s.text) for s in call.segments
        ]
    return json.dumps(rest, separators=(",", ":")) if rest else None


def _packed(segments: Sequence[Segment], numbers: Mapping[str, int]) -> bytes | None:
    """17 bytes for each; `None` where a digest is none of `ragthrift.ledger.digest`'s."""
    if not all(_DIGEST.fullmatch(segment.digest) for segment in segments):
        return None
    return b"".join(
        _SEGMENT.pack(
            int(segment.digest, 16),
            segment.tokens,
            numbers[segment.id],
            _KINDS.index(segment.kind) * 6
            + _USED.index(segment.used) * 2
            + (segment.text is not None),
        )
        for segment in segments
    )


def _segments(db: sqlite3.Connection, packed: bytes, names: Names) -> tuple[Segment, ...]:
    size, known = _SEGMENT.size, names.segments
    pieces = [packed[start : start + size] for start in range(0, len(packed), size)]
    return tuple([known.get(piece) or _segment(db, piece, names) for piece in pieces])


def _segment(db: sqlite3.Connection, packed: bytes, names: Names) -> Segment:
    number, tokens, name, mark = _SEGMENT.unpack(packed)
    digest = f"{number:016x}"
    text = _text(db, digest) if mark % 2 else None
    kind, used = _KINDS[mark // 6], _USED[mark // 2 % 3]
    segment = Segment(kind, digest, tokens, names.name(db, name), used, text)
    if text is None and kind != "question":
        if len(names.segments) >= _MOST_SEGMENTS:
            names.segments.clear()
        names.segments[packed] = segment
    return segment


def _text(db: sqlite3.Connection, digest: str) -> str | None:
    found = db.execute("SELECT text FROM texts WHERE digest = ?", (digest,)).fetchone()
    return str(found[0]) if found else None
