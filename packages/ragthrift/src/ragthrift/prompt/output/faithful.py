"""Whether what a repair call wrote is what the broken answer said."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ragthrift.prompt.output.reading import Reading
from ragthrift.prompt.output.schema import Path, Schema

_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"\w+(?:[.'-]\w+)*")
_SAID = {True: ("true", "yes"), False: ("false", "no")}
_NOTATION = {"true", "false", "null", "none", "json"}


def unfaithful(value: Any, answer: str, reading: Reading, schema: Schema) -> list[str]:
    """What was invented, changed or lost; nothing where the call only mended.

    Each text and number must stand in the answer, and none of its own may be missing: neither one
    that was right before nor, where the answer could not be read, a word between its brackets.
    """
    return [*_invented(value, answer), *_lost(value, answer, reading, schema)]


def _invented(value: Any, answer: str) -> Iterator[str]:
    plain = _plain(answer)
    words, numbers = set(_WORD.findall(plain)), _numbers(answer)
    for path, leaf in _leaves(value):
        if leaf is None or leaf == "":
            continue
        if isinstance(leaf, bool):
            known = not words.isdisjoint(_SAID[leaf])
        elif isinstance(leaf, str):
            known = re.search(rf"(?<!\w){re.escape(_plain(leaf))}(?!\w)", plain) is not None
        else:
            known = _number(str(leaf)) in numbers
        if not known:
            yield f"{_name(path)} = {leaf!r} does not stand in the answer"


def _lost(value: Any, answer: str, reading: Reading, schema: Schema) -> Iterator[str]:
    made = " ".join(str(leaf) for _, leaf in _leaves(value))
    if reading.found is None:
        kept = set(_WORD.findall(_plain(f"{made} {_keys(value)}")))
        for word in _WORD.findall(_plain(_between_brackets(answer))):
            if word not in kept | _NOTATION and _number(word) not in _numbers(made):
                yield f"{word!r} is missing"
        return
    wrong = [misfit.path for misfit in reading.misfits]
    known = schema.json.get("properties", {})
    words, numbers = set(_WORD.findall(_plain(made))), _numbers(made)
    for path, leaf in _leaves(reading.found):
        if leaf is None or isinstance(leaf, bool) or (known and path and path[0] not in known):
            continue
        here = any(path[: len(at)] == at and at for at in wrong)
        if missing := _numbers(str(leaf)) - numbers:
            yield f"{_name(path)}: {sorted(missing)[0]} is missing"
        elif not here and not words.issuperset(_WORD.findall(_plain(str(leaf)))):
            yield f"{_name(path)} = {leaf!r} was right and is missing"


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    else:
        yield path, value


def _keys(value: Any) -> str:
    return " ".join(str(part) for path, _ in _leaves(value) for part in path)


def _plain(text: str) -> str:
    """Without case, escapes and runs of spaces."""
    return " ".join(re.sub(r"\\[nrt]|\\(?=[\"'/\\])", " ", text).casefold().split())


def _numbers(text: str) -> set[Decimal]:
    return {number for said in _NUMBER.findall(text) if (number := _number(said)) is not None}


def _number(said: str) -> Decimal | None:
    if not _NUMBER.fullmatch(said):
        return None
    return Decimal(said.replace(",", "")).normalize()


def _between_brackets(answer: str) -> str:
    begins = [at for bracket in "{[" if (at := answer.find(bracket)) >= 0]
    ends = max(answer.rfind("}"), answer.rfind("]"))
    piece = answer[min(begins, default=0) : ends + 1 if ends >= 0 else len(answer)]
    return re.sub(r"//[^\n]*|/\*.*?\*/", " ", piece, flags=re.DOTALL)


def _name(path: Path) -> str:
    return ".".join(map(str, path)) or "the answer"
