"""Whether what a repair call wrote is what the broken answer said."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, ValuesView
from decimal import Decimal
from typing import Any

from ragthrift.prompt.output.reading import Reading
from ragthrift.prompt.output.schema import Path, Schema

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\d.]*\d)")
_GROUPED = re.compile(r"(?<![\w.])-?\d{1,3}(?:[,_]\d{3})+(?:\.\d+)?(?!\w)")
_WORD = re.compile(r"\w+(?:[.'-]\w+)*")
_UNIT = re.compile(r"(\d)\s*(?:[^\W\d]{1,5}|[$€£%])(?=\s*[,}\]])")
_SAID = {True: ("true", "yes"), False: ("false", "no")}
_NOTATION = {"true", "false", "null", "none", "nan", "json"}


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
            known = Decimal(str(leaf)).normalize() in numbers
        if not known:
            yield f"{_name(path)} = {leaf!r} does not stand in the answer"


def _lost(value: Any, answer: str, reading: Reading, schema: Schema) -> Iterator[str]:
    if reading.found is None:
        yield from _missing(_between_brackets(answer), value, (*_NOTATION, *_yes_and_no(value)))
        return
    known = {key.casefold() for key in _properties(schema.json)}
    kept = {(path[-1:], leaf) for path, leaf in _leaves(value) if isinstance(leaf, bool)}
    said: list[str] = []
    for path, leaf in _leaves(reading.found):
        if leaf is None or known.isdisjoint(str(part).casefold() for part in path):
            continue
        if isinstance(leaf, bool):
            if (path[-1:], leaf) not in kept:
                yield f"{_name(path)} = {leaf} was right and is missing"
        else:
            said.append(f"{leaf}}}")  # the bracket ends a unit
    yield from _missing("\n".join(said), value, ())


def _missing(said: str, value: Any, needless: Iterable[str]) -> Iterator[str]:
    """Words and numbers that the value has not, or not as often; a number's unit may go."""
    made = " ".join(str(leaf) for _, leaf in _leaves(value))
    kept = Counter(_WORD.findall(_plain(f"{made} {' '.join(_keys(value))}")))
    numbers = _numbers(made)
    piece = _GROUPED.sub(
        lambda n: "" if _numbers(n[0]) & numbers else n[0], _UNIT.sub(r"\1 ", said)
    )
    for word, times in Counter(_WORD.findall(_plain(piece))).items():
        same = _numbers(word) & numbers or word in needless
        if times > kept[word] and not same:
            yield f"{word!r} is missing"


def _yes_and_no(value: Any) -> Iterator[str]:
    for _, leaf in _leaves(value):
        if isinstance(leaf, bool):
            yield from _SAID[leaf]


def _properties(schema: Any) -> Iterator[str]:
    """The names of all properties, at any depth."""
    if isinstance(schema, Mapping):
        yield from schema.get("properties", ())
    inner = schema.values() if isinstance(schema, Mapping) else schema
    for one in inner if isinstance(inner, (list, tuple, ValuesView)) else ():
        yield from _properties(one)


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    else:
        yield path, value


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from _keys(one)


def _plain(text: str) -> str:
    """Without case, escapes and runs of spaces."""
    return " ".join(re.sub(r"\\[nrt]|\\(?=[\"'/\\])", " ", text).casefold().split())


def _numbers(text: str) -> set[Decimal]:
    """Those of a text; thousands in groups count as one number, too."""
    grouped = (said.replace(",", "").replace("_", "") for said in _GROUPED.findall(text))
    return {Decimal(said).normalize() for said in (*_NUMBER.findall(text), *grouped)}


def _between_brackets(answer: str) -> str:
    begins = [at for bracket in "{[" if (at := answer.find(bracket)) >= 0]
    ends = max(answer.rfind("}"), answer.rfind("]"))
    piece = answer[min(begins, default=0) : ends + 1 if ends >= 0 else len(answer)]
    return re.sub(r"//[^\n]*|/\*.*?\*/", " ", piece, flags=re.DOTALL)


def _name(path: Path) -> str:
    return ".".join(map(str, path)) or "the answer"
