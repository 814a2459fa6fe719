"""The value in an answer, read on the spot or not at all."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ragthrift.errors import missing_extra
from ragthrift.prompt.output.schema import Misfit, Schema
from ragthrift.prompt.output.spelling import CutOffError, MisspeltError, spelt

How = Literal["as it is", "found", "repaired", "called", "failed"]
"""Read as it stands; between other words, or with its types mended; with its notation mended; by
another call; not at all."""

_THOUGHTS = re.compile(r"\A\s*<(think|thinking|reasoning)>.*?</\1>", re.DOTALL)
_FENCE = re.compile(r"```[a-zA-Z]*\s*\n?(.*?)(?:```|\Z)", re.DOTALL)
_BEGAN = re.compile(r"""(?:[\[{,"']|["'`]\s*:)\s*\Z""")
_GOES_ON = re.compile(r"""[}\]\s]*(?:[:"']|,\s*["'`{\[]|,\s*\w+\s*["'`:])""")
_CLOSES = re.compile(r"\s*[}\]]")
_LEFT_OUT = re.compile(r"[\[{,]\s*(?:\.\.\.|…)|(?:\.\.\.|…)\s*[\]}]")


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer says."""

    how: How
    value: Any = None
    """It fits the schema, unless `how` is "failed"."""
    problems: tuple[str, ...] = ()
    found: Any = None
    """What was read without doubt and does not fit; `None` where nothing was."""
    misfits: tuple[Misfit, ...] = ()
    lost: bool = False
    """It ends before its end, or leaves something out: what is missing stands nowhere."""


def read(text: str, schema: Schema, *, ended: bool) -> Reading:
    """Read an answer; `ended` is whether the model stopped by itself.

    Nothing is made up: what a tolerant parser makes of the text is taken only if the text spells
    it, letter by letter, and the schema is content.

    >>> read("Here: {'a': 1,}", Schema.of({"type": "object"}), ended=True)
    Reading(how='repaired', value={'a': 1}, problems=(), found=None, misfits=(), lost=False)
    """
    said = _THOUGHTS.sub("", text).strip()
    strict = _strict(said, schema.roots)
    whole = bool(strict) and strict[0][1] == said
    fitting = _distinct(_fitted(value, schema) for value, _ in strict)
    if len(fitting) == 1:
        asked = whole and not schema.misfits(strict[0][0])
        return Reading("as it is" if asked else "found", fitting[0])
    if len(fitting) > 1:
        return Reading("failed", problems=(f"the answer holds {len(fitting)} values that fit",))
    if len(strict) == 1:
        return _misfit(strict[0][0], schema)
    return _mended(said, schema, ended)


def _misfit(value: Any, schema: Schema) -> Reading:
    misfits = tuple(schema.misfits(schema.coerced(value)))
    told = tuple(str(misfit) for misfit in misfits)
    return Reading("failed", problems=told, found=value, misfits=misfits)


def _fitted(value: Any, schema: Schema) -> tuple[Any, ...]:
    """The value, its types mended, in a tuple; an empty one if it does not fit."""
    if not schema.misfits(value):
        return (value,)
    mended = schema.coerced(value)
    return (mended,) if not schema.misfits(mended) else ()


def _distinct(found: Iterator[tuple[Any, ...]]) -> list[Any]:
    kept = {json.dumps(value, sort_keys=True): value for values in found for value in values}
    return list(kept.values())


def _strict(text: str, roots: str) -> list[tuple[Any, str]]:
    """The JSON values of a text, each with the letters that spell it; none if one is broken."""
    decoder = json.JSONDecoder(
        object_pairs_hook=_once_each, parse_constant=_refused, parse_float=_finite
    )
    found: list[tuple[Any, str]] = []
    before, at = 0, _next_root(text, roots, 0)
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return []
        following = _next_root(text, roots, end)
        after = text[end:] if following < 0 else text[end:following]
        if not _alone(text[before:at], text[at:end], after):
            return []
        found.append((value, text[at:end]))
        before, at = end, following
    return found


def _alone(before: str, said: str, after: str) -> bool:
    """Whether a value stands between words, and not in the remains of a larger one."""
    if _BEGAN.search(before) or _GOES_ON.match(after):
        return False
    nested = before.strip() or said.count("{") + said.count("[") > 1
    return not (nested and _CLOSES.match(after))


def _next_root(text: str, roots: str, start: int) -> int:
    found = [at for root in roots if (at := text.find(root, start)) >= 0]
    return min(found, default=-1)


def _mended(text: str, schema: Schema, ended: bool) -> Reading:
    """What a tolerant parser reads, if the text spells it."""
    fenced = [piece for piece in _FENCE.findall(text) if _next_root(piece, schema.roots, 0) >= 0]
    if len(fenced) > 1:
        return Reading("failed", problems=("the answer holds several blocks of code",))
    said = fenced[0] if fenced else text
    start = _next_root(said, schema.roots, 0)
    if start < 0:
        return Reading("failed", problems=("the answer holds no JSON",))
    before, said = said[:start], said[start:].strip()
    if _LEFT_OUT.search(said):
        told = "the answer leaves something out by an ellipsis"
        return Reading("failed", problems=(told,), lost=True)
    return _spelt(before, said, schema, ended)


def _spelt(before: str, said: str, schema: Schema, ended: bool) -> Reading:
    problem, lost = "", not ended and _open(said)
    for end in _ends(said):
        try:
            value = _tolerant(said[:end])
            after = said[spelt(said[:end], value, ended=ended) : end] + said[end:]
        except (MisspeltError, RecursionError, ValueError) as error:
            problem = problem or str(error)
            lost = lost or isinstance(error, CutOffError)
            continue
        if _next_root(after, schema.roots, 0) >= 0 or not _alone(before, said, after):
            return Reading("failed", problems=("the answer holds more than one value",))
        fitting = _fitted(value, schema)
        return Reading("repaired", fitting[0]) if fitting else _misfit(value, schema)
    return Reading("failed", problems=(problem,), lost=lost)


def _ends(said: str) -> list[int]:
    """Where the value may end: with the text, or at its last bracket, before prose."""
    last = max(said.rfind("}"), said.rfind("]")) + 1
    return [len(said), last] if 0 < last < len(said) else [len(said)]


def _open(said: str) -> bool:
    return not said.endswith(("}", "]"))


def _tolerant(text: str) -> Any:
    try:
        from json_repair import repair_json
    except ImportError as error:
        missing_extra("structured", "json-repair", error)
    # Its own json.loads first would drop keys that stand twice.
    read = repair_json(text, return_objects=True, skip_json_loads=True)
    return json.loads(json.dumps(read))  # joins the halves of letters beyond 16 bits


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number
