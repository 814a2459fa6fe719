"""What calls came to, in one SQLite file: what a router learns from, and the bill."""

import json
import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ragthrift.database import Database
from ragthrift.errors import InputError
from ragthrift.route.ask import Ask
from ragthrift.route.call import AttemptRecord, Routed
from ragthrift.route.grounding import grounding
from ragthrift.route.outcome import Outcome
from ragthrift.route.tables import LAYOUT
from ragthrift.types import Passage
from ragthrift.usage import Usage

ASKED_AGAIN = 0.3
"""The quality that an answer is taken to have had when its question was asked again at once."""
HARD = frozenset({"empty", "schema", "tool_arguments"})
"""Checks that leave nothing of an answer: its quality is 0 whoever looks at it."""
FITTING = frozenset({"schema", "tool_arguments"})

_CALL = """INSERT INTO calls (at, question, history, passages, prompt_tokens, chosen, kind, reason,
    qualities, costs, propensity, served, action, escalated, error, shadow_share,
    strongest_dollars)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_ATTEMPT = """INSERT INTO attempts (call, tier, model, purpose, input_tokens, output_tokens,
    cache_read_tokens, cache_write_tokens, estimated, dollars, seconds, text, error, fault,
    findings, schema_pass, grounded, served, quality)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_SUMS = """SELECT count(*), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),
    coalesce(sum(cache_read_tokens), 0), coalesce(sum(cache_write_tokens), 0),
    coalesce(sum(dollars), 0.0), sum(dollars IS NULL) FROM attempts"""


@dataclass(frozen=True, slots=True)
class Bill:
    """Every attempt of every call, shadow calls too."""

    calls: int
    attempts: int
    usage: Usage
    dollars: float
    unknown: int
    """Attempts without a known usage or price: they are not in `dollars`."""


class OutcomeLog:
    """Questions, passages, answers and what they came to; for many threads and processes.

    The file holds what users asked and were told: keep it where such things may be kept. Of more
    than `max_calls` the oldest go. Without a path it is kept in memory.

    >>> OutcomeLog().bill().calls
    0
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, max_calls: int = 100_000
    ) -> None:
        if max_calls < 1:
            raise InputError(f"max_calls={max_calls} must be at least 1")
        self._max_calls = max_calls
        self._database = Database(path, LAYOUT)

    @classmethod
    def existing(cls, path: str | os.PathLike[str]) -> Self:
        """The log in a file that must be there."""
        if not Path(path).is_file():
            raise InputError(f"there is no log at {os.fspath(path)}")
        return cls(path)

    def record(
        self, routed: Routed, ask: Ask, *, needs_fit: bool = False, shadow_share: float = 0.0
    ) -> int:
        """Keep a call; its number. `needs_fit` says that a schema or tools were to be kept to."""
        with self._database.writing() as db:
            number = db.execute(_CALL, _call_row(routed, ask, shadow_share)).lastrowid or 0
            self._keep(db, number, routed.attempts, ask, needs_fit=needs_fit, served=routed)
            db.execute("DELETE FROM calls WHERE id <= ?", (number - self._max_calls,))
        return number

    def record_shadow(
        self, call: int, attempts: Sequence[AttemptRecord], qualities: Mapping[str, float]
    ) -> None:
        """Keep what another tier said to a call, and how good each tier's answer is."""
        with self._database.writing() as db:
            self._keep(db, call, attempts, Ask(""), needs_fit=False, served=None)
            db.executemany(
                "UPDATE attempts SET quality = ? WHERE call = ? AND tier = ? AND error IS NULL",
                [(quality, call, tier) for tier, quality in qualities.items()],
            )

    def feedback(self, call: int, quality: float) -> None:
        """What a user said of the answer: `True` and `False` for thumbs, or 0 to 1."""
        if not 0 <= quality <= 1:
            raise InputError(f"quality={quality} must be from 0 to 1")
        self._set(call, "thumbs", float(quality))

    def asked_again(self, call: int) -> None:
        """The user put the same question again: the answer was not what they wanted."""
        self._set(call, "asked_again", 1)

    def outcomes(self) -> list[Outcome]:
        """Calls of which the quality of at least one tier's answer is known, oldest first."""
        return [outcome for _, outcome in self.numbered_outcomes()]

    def numbered_outcomes(self) -> list[tuple[int, Outcome]]:
        """The same, with the numbers of the calls."""
        with self._database.reading() as db:
            calls = _dicts(db.execute("SELECT * FROM calls ORDER BY id"))
            attempts = _dicts(db.execute("SELECT * FROM attempts ORDER BY id"))
        by_call: dict[int, list[dict[str, Any]]] = {call["id"]: [] for call in calls}
        for attempt in attempts:
            by_call[attempt["call"]].append(attempt)
        found = ((call["id"], _outcome(call, by_call[call["id"]])) for call in calls)
        return [(number, outcome) for number, outcome in found if outcome is not None]

    def calls(self) -> list[dict[str, Any]]:
        """The rows of the calls, oldest first; JSON columns as they are."""
        with self._database.reading() as db:
            return _dicts(db.execute("SELECT * FROM calls ORDER BY id"))

    def attempts(self) -> list[dict[str, Any]]:
        """The rows of the attempts, oldest first."""
        with self._database.reading() as db:
            return _dicts(db.execute("SELECT * FROM attempts ORDER BY id"))

    def bill(self) -> Bill:
        """What all attempts used and cost."""
        with self._database.reading() as db:
            (calls,) = db.execute("SELECT count(*) FROM calls").fetchone()
            attempts, *tokens, dollars, unknown = db.execute(_SUMS).fetchone()
        return Bill(calls, attempts, Usage(*tokens), dollars, unknown or 0)

    def close(self) -> None:
        """Let the file go."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _set(self, call: int, column: str, value: float) -> None:
        with self._database.writing() as db:
            statement = f"UPDATE calls SET {column} = ? WHERE id = ?"  # noqa: S608 - a constant
            if not db.execute(statement, (value, call)).rowcount:
                raise InputError(f"the log has no call {call}; it may be older than max_calls")

    def _keep(
        self,
        db: sqlite3.Connection,
        call: int,
        attempts: Sequence[AttemptRecord],
        ask: Ask,
        *,
        needs_fit: bool,
        served: Routed | None,
    ) -> None:
        tier = served.tier.name if served and served.tier else None
        text = served.answer.text if served and served.answer else None
        rows = [_attempt_row(call, attempt, ask, needs_fit) for attempt in attempts]
        given = [a.tier == tier and a.text == text and a.error is None for a in attempts]
        db.executemany(_ATTEMPT, [(*row, int(g), None) for row, g in zip(rows, given, strict=True)])


def _call_row(routed: Routed, ask: Ask, shadow_share: float) -> tuple[object, ...]:
    decision = routed.decision
    passages = [{"text": p.text, "id": p.id, "score": p.score} for p in ask.passages]
    return (
        time.time(),
        _plain(ask.question),
        _plain(ask.history),
        json.dumps(passages),
        ask.prompt_tokens,
        decision.tier.name,
        decision.kind,
        _plain(decision.reason),
        json.dumps(dict(decision.qualities)),
        json.dumps(dict(decision.costs)),
        decision.propensity,
        routed.tier.name if routed.tier else None,
        routed.action,
        routed.escalated,
        None if routed.error is None else _plain(f"{type(routed.error).__name__}: {routed.error}"),
        shadow_share,
        routed.savings.before if routed.savings else None,
    )


def _attempt_row(call: int, a: AttemptRecord, ask: Ask, needs_fit: bool) -> tuple[object, ...]:
    used = a.usage
    tokens = (
        (None,) * 4
        if used is None
        else (
            used.input_tokens,
            used.output_tokens,
            used.cache_read_tokens,
            used.cache_write_tokens,
        )
    )
    answered = a.error is None and bool(a.text)
    rests = grounding(a.text, ask.passages, ask.question).score
    return (
        call,
        a.tier,
        a.model,
        a.purpose,
        *tokens,
        a.estimated,
        a.dollars,
        a.seconds,
        _plain(a.text),
        None if a.error is None else _plain(a.error),
        a.fault,
        json.dumps(a.findings),
        int(not FITTING & set(a.findings)) if needs_fit and a.error is None else None,
        rests if answered and ask.passages else None,
    )


def _plain(text: str) -> str:
    """SQLite keeps no lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _dicts(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _outcome(call: Mapping[str, Any], attempts: Sequence[Mapping[str, Any]]) -> Outcome | None:
    answered = [a for a in attempts if a["error"] is None and a["purpose"] != "sample"]
    qualities = {a["tier"]: q for a in answered if (q := _quality(call, a)) is not None}
    if not qualities:
        return None
    passages = tuple(Passage(p["text"], p["id"], p["score"]) for p in json.loads(call["passages"]))
    ask = Ask(call["question"], call["history"], passages, call["prompt_tokens"])
    costs: dict[str, float] = {}
    for attempt in answered:
        if attempt["dollars"] is not None:
            costs[attempt["tier"]] = costs.get(attempt["tier"], 0.0) + attempt["dollars"]
    sampled = any(attempt["quality"] is not None for attempt in attempts)
    return Outcome(
        ask,
        qualities,
        answers={a["tier"]: a["text"] for a in answered},
        costs=costs,
        propensity=call["shadow_share"] if sampled else call["propensity"],
    )


def _quality(call: Mapping[str, Any], attempt: Mapping[str, Any]) -> float | None:
    """What the user said, what a judge said, what is plain, what asking again hints at."""
    if attempt["served"] and call["thumbs"] is not None:
        return float(call["thumbs"])
    if attempt["quality"] is not None:
        return float(attempt["quality"])
    if HARD & set(json.loads(attempt["findings"])):
        return 0.0
    return ASKED_AGAIN if attempt["served"] and call["asked_again"] else None
