"""Where two prompts part, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragthrift.prompt.parts import canonical_json
from ragthrift.prompt.sections import Section
from ragthrift.prompt.volatile import ADVICE, Cause, why_texts_part

_AROUND = 30
"""Characters that are shown on each side."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that keeps a cache from serving a prompt."""

    cause: Cause
    section: str
    at: int
    """Characters of the section before it."""
    excerpt: str
    before: str = ""
    """The same place in the prompt before, where two were compared."""

    @property
    def advice(self) -> str:
        """What to do."""
        return ADVICE[self.cause]

    def explain(self) -> str:
        """In words."""
        shown = f"{self.before!r} became {self.excerpt!r}" if self.before else repr(self.excerpt)
        return f"{self.section}, character {self.at} ({self.cause}): {shown}\n  {self.advice}"


def first_divergence(old: Sequence[Section], new: Sequence[Section]) -> tuple[int, Finding] | None:
    """The section where two prompts part, by its place, and why; `None` if one begins the other.

    >>> from ragthrift.prompt.sections import sections_of
    >>> old, new = (sections_of(f"It is {clock}.") for clock in ("9:30", "9:41"))
    >>> _, finding = first_divergence(old, new)
    >>> finding.cause, finding.excerpt
    ('clock', 'It is 9:41.')
    """
    for place, (before, after) in enumerate(zip(old, new, strict=False)):
        if before.text != after.text:
            cause = _cause(old, new, place)
            at = _shared(before.text, after.text)
            start = max(at - _AROUND, 0)
            shown = slice(start, at + _AROUND)
            return place, Finding(cause, after.name, at, after.text[shown], before.text[shown])
    return None


def _cause(old: Sequence[Section], new: Sequence[Section], place: int) -> Cause:
    before, after = old[place], new[place]
    if before.kind == after.kind == "tools":
        return _why_tools_part(before, after)
    at = _shared(before.text, after.text)
    cause = why_texts_part(before.text, after.text, at)
    if cause == "whitespace":
        return cause
    return _moved(old[place:], new[place:]) or cause


def _moved(old: Sequence[Section], new: Sequence[Section]) -> Cause | None:
    """Whether sections changed places, came in front or went away."""
    before, after = [one.text for one in old], [one.text for one in new]
    documents = [
        sorted(one.text for one in prompt if one.kind == "document") for prompt in (old, new)
    ]
    if old[0].kind == new[0].kind == "document" and documents[0] == documents[1]:
        return "documents"
    if before[0] in after[1:]:
        return "memory" if why_texts_part("", after[0], 0) == "memory" else "inserted"
    return "window" if after[0] in before[1:] else None


def _why_tools_part(old: Section, new: Section) -> Cause:
    first, second = ([canonical_json(tool) for tool in one.raw] for one in (old, new))
    if first == second:
        return "json"
    return "tools" if sorted(first) == sorted(second) else "changed"


def _shared(old: str, new: str) -> int:
    """How many characters two texts have in common at the beginning."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(old), len(new)))
