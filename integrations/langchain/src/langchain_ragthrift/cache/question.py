"""The question in a chain's input."""

from collections.abc import Callable, Mapping
from typing import Any

from ragthrift import InputError
from ragthrift.cache import Asked

Question = str | Callable[[Any], str | Asked]
"""The key of the question in a dict, or a function of the input."""


def asked_in(given: Any, question: Question | None) -> Asked:
    """What a chain is asked; `None` is for an input that is the question itself."""
    if callable(question):
        asked = question(given)
        return Asked(asked, None) if isinstance(asked, str) else asked
    found = given
    if question is not None:
        found = given.get(question) if isinstance(given, Mapping) else None
    if not isinstance(found, str):
        raise InputError(
            f"no question in the chain's input, a {type(given).__name__}: pass question=..., "
            "the key of a str in a dict, or a function of the input"
        )
    return Asked(found, None)
