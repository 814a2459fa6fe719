"""A linter for prompts that should begin alike, also as an assertion for tests."""

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

from ragthrift.errors import InputError
from ragthrift.ledger import Kind
from ragthrift.prompt.divergence import Finding, first_divergence
from ragthrift.prompt.sections import Section, sections_of
from ragthrift.prompt.volatile import volatile_in
from ragthrift.provider_cache import STABLE

EXPECTED: frozenset[Kind] = STABLE | {"history"}
"""Kinds of sections that should be the same from call to call."""


def lint(*prompts: Any, stable: Collection[Kind] = EXPECTED) -> tuple[Finding, ...]:
    """What keeps a provider's cache from serving prompts like these.

    Of one prompt: clocks, ids, users, memories and unsorted JSON in what should be stable, by their
    looks. Of several, in the order in which they were sent: where each parts from the one before,
    and why, if that is in a section that should be stable. A plain text has no sections: what is
    reported is only what differs by accident. For the forms of prompts see `sections_of`.

    >>> waiter = [{"role": "system", "content": "You are a waiter. Now it is 9:30:12."}]
    >>> [finding.cause for finding in lint(waiter)]
    ['clock']
    >>> lint("You are a waiter. Soup?", "You are a waiter. Bread?")
    ()
    """
    if not prompts:
        raise InputError("lint needs a prompt, or several to compare")
    read = [sections_of(prompt) for prompt in prompts]
    if len(read) == 1:
        return tuple(_looks(read[0], stable))
    found: dict[tuple[str, str], Finding] = {}
    for old, new in pairwise(read):
        finding = _parting(old, new, stable)
        if finding is not None:
            found.setdefault((finding.cause, finding.section), finding)
    return tuple(found.values())


def assert_stable(prompts: Sequence[Any], *, stable: Collection[Kind] = EXPECTED) -> None:
    """Fail a test if prompts that were sent one after another do not begin alike.

    The message shows the first divergence, its section, and what to do.

    >>> greet = lambda name: [{"role": "system", "content": f"You are talking to {name}."}]
    >>> assert_stable([greet("Ann"), greet("Ann")])
    >>> assert_stable([greet("Ann"), greet("Ben")])
    Traceback (most recent call last):
    AssertionError: prompt 2 does not begin as prompt 1 does, so no cache serves it from there on
    message 1 (system), character 19 (user): 'You are talking to Ann.' became ...
      put what differs from user to user into PromptParts.context
    """
    if isinstance(prompts, str) or len(prompts) < 2:
        raise InputError("assert_stable needs a list of at least 2 prompts")
    read = [sections_of(prompt) for prompt in prompts]
    for number, (old, new) in enumerate(pairwise(read), 1):
        finding = _parting(old, new, stable)
        if finding is not None:
            raise AssertionError(
                f"prompt {number + 1} does not begin as prompt {number} does, so no cache serves "
                f"it from there on\n{finding.explain()}"
            )


def _looks(sections: Sequence[Section], stable: Collection[Kind]) -> list[Finding]:
    return [
        Finding(seen.cause, section.name, seen.start, seen.text)
        for section in sections
        if section.kind in stable and section.kind not in ("tools", "history")
        for seen in volatile_in(section.text)
    ]


def _parting(
    old: Sequence[Section], new: Sequence[Section], stable: Collection[Kind]
) -> Finding | None:
    """Why a prompt parts from the one before, if it should not."""
    parted = first_divergence(old, new)
    if parted is None:
        return None
    place, finding = parted
    if old[place].kind in stable and new[place].kind in stable:
        return finding
    accident = finding.cause not in ("changed", "inserted", "window")
    whole = old[place].kind == "other" and len(old) == 1
    moved = finding.cause in ("documents", "memory", "whitespace", "json")
    questions = old[place].kind == new[place].kind == "question"
    return finding if (whole and accident) or (moved and not questions) else None
