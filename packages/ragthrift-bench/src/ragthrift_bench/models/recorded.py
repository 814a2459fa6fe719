"""Answers that were recorded: a run without a model, the same on every machine."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from ragthrift import Completion, InputError, Message, Usage
from ragthrift_bench.attempts import Call
from ragthrift_bench.generations import Generation
from ragthrift_bench.records import Record, read_lines


class RecordedModel:
    """Answers what a file holds, and nothing else.

    A line is `{"messages": [{"role", "content"}], "text"}`; it may have `model`, the `usage` that
    the provider reported, and `seconds`. The messages alone say which answer is meant.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._answers = dict(map(_answer, read_lines(file)))

    @property
    def models(self) -> str:
        """The names of the models that gave the answers."""
        return ", ".join(sorted({found.completion.model for found in self._answers.values()}))

    @property
    def digest(self) -> str:
        """A hash of the file."""
        return sha256(self._file.read_bytes()).hexdigest()[:16]

    def generate(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,  # noqa: ARG002 - the answers are given
        stop: Sequence[str] = (),  # noqa: ARG002
    ) -> Generation:
        """The recorded answer. Raises InputError for a prompt that was not recorded."""
        found = self._answers.get(_digest(messages))
        if found is None:
            raise InputError(
                f"{self._file} holds no answer to a prompt that ends {messages[-1].content[-60:]!r}"
                "; record it again with --record"
            )
        return found


def write_recording(calls: Iterable[Call], file: Path) -> None:
    """Write every call once, sorted by content, in the format that `RecordedModel` reads."""
    lines = {_digest(call.messages): _line(call) for call in calls}
    text = "".join(f"{line}\n" for _, line in sorted(lines.items()))
    file.write_text(text, encoding="utf-8")


def _line(call: Call) -> str:
    line = {
        "messages": [{"role": turn.role, "content": turn.content} for turn in call.messages],
        "text": call.text,
        "model": call.model,
        "usage": call.reported and asdict(call.reported),
        "seconds": call.seconds,
    }
    return json.dumps({name: value for name, value in line.items() if value is not None})


def _answer(record: Record) -> tuple[str, Generation]:
    said = record.value("text")
    if not isinstance(said, str):
        raise record.wrong("text", "a text", said)
    turns = [_turn(turn) for turn in record.records("messages")]
    model = record.text_or_none("model") or "unnamed"
    seconds = float(record.value("seconds")) if "seconds" in record else 0.0
    return _digest(turns), Generation(Completion(said, _usage(record), model), seconds)


def _usage(record: Record) -> Usage:
    if "usage" not in record:
        return Usage()
    reported = record.record("usage")
    return Usage(**{name: reported.whole(name) for name in reported.fields})


def _turn(record: Record) -> Message:
    said = record.fields.get("content")
    if not isinstance(said, str):
        raise record.wrong("content", "a text", said)
    role = record.text("role")
    if role == "tool":
        return Message("tool", said, tool_call_id="")
    if role not in ("system", "user", "assistant"):
        raise record.wrong("role", "system, user, assistant or tool", role)
    return Message(role, said)  # type: ignore[arg-type]


def _digest(messages: Sequence[Message]) -> str:
    turns = [[turn.role, turn.content] for turn in messages]
    return sha256(json.dumps(turns).encode()).hexdigest()[:32]
