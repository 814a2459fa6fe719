"""Whether a text spells a value, with no more than slips of notation."""

import math
import re
from decimal import Decimal
from typing import Any, NoReturn

from ragthrift.errors import RagthriftError

_SKIP = re.compile(r"(?:\s+|//[^\n\"]*(?=\n|\Z)|/\*[^\"]*?\*/|(?<=\s)#[^\n\"]*(?=\n|\Z))+")
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])")
_CLOSING = {'"': '"', "'": "'", "`": "`", "“": "”", "\u2018": "\u2019"}
_OPENING = {*_CLOSING, "{", "["}
_SPELLINGS = {True: ("true",), False: ("false",), None: ("null", "none")}
_ESCAPES = {sign: sign for sign in "\"'\\/"}
_ESCAPES |= {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})")
_BARE = re.compile(r"[^\s\"'`,:{}\[\]][^\"',:{}\[\]\n]*")
_NO_VALUE = {"nan", "infinity", "-infinity", "inf", "-inf", "undefined"}
_SUSPECT = set('{}[]:,\n"')
_BEFORE, _AFTER = set("{[,:+"), set("}],:+")


class MisspeltError(RagthriftError):
    """The text says something else than the value, or more."""


class CutOffError(MisspeltError):
    """The text ends before the value does."""


def spelt(text: str, value: Any, *, ended: bool) -> int:
    r"""Where the value ends in a text that begins with it; `MisspeltError` if it is another value.

    Passed over are commas that are missing or too many, other quotes or none, comments, Python's
    words, line breaks and quotes in strings, and, in an answer that has `ended` by itself, brackets
    missing at the end if they cannot be missing elsewhere. Every letter must be accounted for: a
    string without its closing quote, a number with its unit, a key that stands twice, an ellipsis,
    another nesting are all refused, and so is what can be read in two ways.

    >>> spelt("{'a': [1, True,],} // done", {"a": [1, True]}, ended=True)
    18
    >>> spelt('{"a": 12 km}', {"a": 12}, ended=True)
    Traceback (most recent call last):
    ragthrift.prompt.output.spelling.MisspeltError: at 9, 'km}': a key or '}' was expected
    """
    speller = _Speller(text, ended)
    speller.value(value)
    return speller.at


class _Speller:
    def __init__(self, text: str, ended: bool) -> None:
        self._text, self._ended = text, ended
        self.at = 0
        self._closed: list[tuple[str, int]] = []  # the brackets right before, and what they hold

    def value(self, value: Any) -> None:
        self._skip()
        if isinstance(value, dict):
            self._take("{")
            for place, (key, inner) in enumerate(value.items()):
                self._separated(place)
                self._key(key)
                self._skip()
                self._take(":")
                self.value(inner)
            self._close("}", len(value))
        elif isinstance(value, list):
            self._take("[")
            for place, inner in enumerate(value):
                self._separated(place)
                self.value(inner)
            self._close("]", len(value))
        else:
            self._closed.clear()
            self._leaf(value)

    def _leaf(self, value: Any) -> None:
        if isinstance(value, str):
            self._string(value, "a value")
        elif value is None or isinstance(value, bool):
            self._word(value)
        else:
            self._number(value)

    def _close(self, bracket: str, members: int) -> None:
        if members:
            self._commas()
        self._skip()
        if self.at < len(self._text):
            self._take(bracket, "a key or '}'" if bracket == "}" else "a value or ']'")
            # What stands in brackets of another kind that do close has its own brackets.
            self._closed = [one for one in self._closed if one[0] == bracket]
        elif not self._ended:
            raise CutOffError("the answer was cut off")
        elif any(closed == bracket and held > 1 for closed, held in self._closed):
            self._fail("it cannot be told which bracket is missing")
        self._closed.append((bracket, members))

    def _separated(self, place: int) -> None:
        """Skip the commas before a member, one too many, or none where nothing is lost."""
        if not place:
            self._skip()
            return
        before, begin = self._text[: self.at].rstrip()[-2:], self.at
        self._commas()
        here = self._text[self.at : self.at + 1]
        if "," not in self._text[begin : self.at] and (before[:1] == "," or here not in _OPENING):
            self._fail("a comma was expected")

    def _commas(self) -> None:
        self._skip()
        while self._text[self.at : self.at + 1] == ",":
            self.at += 1
            self._skip()

    def _skip(self) -> None:
        if found := _SKIP.match(self._text, self.at):
            self.at = found.end()

    def _take(self, sign: str, wanted: str = "") -> None:
        if self._text[self.at : self.at + 1] != sign:
            self._fail(f"{wanted or repr(sign)} was expected")
        self.at += 1

    def _number(self, value: float) -> None:
        found = _NUMBER.match(self._text, self.at)
        if not found or not math.isfinite(value) or Decimal(found[0]) != Decimal(repr(value)):
            self._fail(f"{value} was expected")
        self.at = found.end()

    def _word(self, value: bool | None) -> None:
        found = re.compile(r"\w+").match(self._text, self.at)
        if not found or found[0].lower() not in _SPELLINGS[value]:
            self._fail(f"{value} was expected")
        self.at = found.end()

    def _key(self, key: str) -> None:
        if not _SUSPECT.isdisjoint(key):
            self._fail("a key was expected")
        self._string(key, "a key or '}'")

    def _string(self, value: str, wanted: str) -> None:
        opening = self._text[self.at : self.at + 1]
        if opening in _CLOSING:
            self.at += 1
            self._quoted(value, opening)
            return
        found = _BARE.match(self._text, self.at)
        if not found or found[0].rstrip() != value or value.lower() in _NO_VALUE:
            self._fail(f"{wanted} was expected")
        self.at += len(value)

    def _quoted(self, value: str, opening: str) -> None:
        done, closing = 0, _CLOSING[opening]
        while done < len(value):
            letters, size = self._letters()
            if not letters or not value.startswith(letters, done):
                self._fail(f"{value[done : done + 20]!r} was expected")
            inner = size == 1 and letters in (opening, closing)
            if inner and self._ends_here(opening + closing):
                self._fail("it cannot be told where the string ends")
            self.at += size
            done += len(letters)
        if self._text[self.at : self.at + 1] != closing:
            self._fail("the string goes on, or has no closing quote")
        self.at += 1

    def _letters(self) -> tuple[str, int]:
        """What stands here in a string, and how many letters spell it."""
        one = self._text[self.at : self.at + 1]
        if one != "\\":
            return one, 1
        if found := _UNICODE.match(self._text, self.at):
            code, low = int(found[1], 16), _UNICODE.match(self._text, found.end())
            if 0xD800 <= code < 0xDC00 and low:
                whole = 0x10000 + ((code - 0xD800) << 10) + (int(low[1], 16) - 0xDC00)
                return chr(whole), 12
            return chr(code), 6
        following = self._text[self.at + 1 : self.at + 2]
        return (_ESCAPES[following], 2) if following in _ESCAPES else ("\\", 1)

    def _ends_here(self, quotes: str) -> bool:
        """Whether a quote inside a string stands where one could close or open a string."""
        before = self._text[: self.at].rstrip()[-1:]
        after = self._text[self.at + 1 :].lstrip()[:1]
        return before in _BEFORE | {*quotes} or after in _AFTER | {"", *quotes}

    def _fail(self, reason: str) -> NoReturn:
        raise MisspeltError(f"at {self.at}, {self._text[self.at : self.at + 20]!r}: {reason}")
