"""LoCoMo (Maharana et al., 2024) as turns, questions, and facts that point at turns."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.shared import read_text
from ragthrift import Message
from ragthrift.memory.segment import Fact
from ragthrift.memory.turn import Turn, turns_of
from ragthrift.protocols import TokenCounter

_TURN_ID = re.compile(r"D:?(\d+):(\d+)")
_SESSION = re.compile(r"session_(\d+)")
_UNANSWERABLE = 5


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked after the whole conversation."""

    text: str
    evidence: frozenset[str]
    """Ids of all the turns that the answer needs."""
    category: int


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation of many sessions."""

    name: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]
    facts: tuple[Fact, ...]
    """What the set's own model read out of each session, with its sources."""

    @property
    def messages(self) -> list[Message]:
        """What was said; the first speaker is the user."""
        return [turn.message for turn in self.turns]


def read_talk(path: Path, counter: TokenCounter) -> Talk:
    """One file; adversarial questions and those without evidence in the talk are left out."""
    record = json.loads(read_text(path))
    talk = record.get("conversation", record)
    turns: list[Turn] = []
    ids: dict[str, str] = {}
    for session in _sessions(talk):
        at = datetime.strptime(talk[f"{session}_date_time"], "%I:%M %p on %d %B, %Y")
        said = [_message(line, talk["speaker_a"]) for line in talk[session]]
        after = turns[-1].id if turns else ""
        added = turns_of(said, counter, at=at.replace(tzinfo=UTC).timestamp(), after=after)
        named = [line["dia_id"] for line in talk[session]]
        ids.update(zip(named, (turn.id for turn in added), strict=True))
        turns += added
    name = path.name.partition(".")[0]
    return Talk(name, tuple(turns), tuple(_questions(record, ids)), tuple(_facts(record, ids)))


def _sessions(talk: dict[str, Any]) -> list[str]:
    names = [name for name in talk if _SESSION.fullmatch(name) and talk[name]]
    return sorted(names, key=lambda name: int(name.rpartition("_")[2]))


def _message(line: dict[str, Any], user: str) -> Message:
    photo = f" [shares {line['blip_caption']}]" if line.get("blip_caption") else ""
    text = f"{line['speaker']}: {str(line['text']).strip()}{photo}"
    return Message("user" if line["speaker"] == user else "assistant", text)


def _questions(record: dict[str, Any], ids: dict[str, str]) -> Iterator[Question]:
    for asked in record["qa"]:
        found = frozenset(_known(asked.get("evidence") or [], ids))
        if found and asked["category"] != _UNANSWERABLE:
            yield Question(asked["question"], found, asked["category"])


def _facts(record: dict[str, Any], ids: dict[str, str]) -> Iterator[Fact]:
    """Of every session's `observation`: lists of a text and the ids it was read from."""
    sessions = record.get("observation", record)
    for name, speakers in sessions.items():
        if name.endswith("_observation"):
            for text, source in (pair for pairs in speakers.values() for pair in pairs):
                yield Fact(text, tuple(_known(source, ids)))


def _known(written: object, ids: dict[str, str]) -> list[str]:
    """Some files write ids as `D:11:26` or `D8:6; D9:17`."""
    named = (f"D{session}:{turn}" for session, turn in _TURN_ID.findall(str(written)))
    return [ids[name] for name in dict.fromkeys(named) if name in ids]
