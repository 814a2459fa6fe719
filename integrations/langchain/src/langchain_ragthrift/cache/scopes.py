"""What must be equal before an answer is served: the user's parts and the chain's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage

from ragthrift import InputError, Scope
from ragthrift.cache import fingerprint

Parts = Scope | Mapping[str, str | None]
"""Parts by name; one that is `None` is left out."""


def as_scope(named: Parts, **parts: str | None) -> Scope:
    """A scope of what the user names and `parts`."""
    if not isinstance(named, Scope | Mapping):
        raise InputError(
            f"scope={named!r} must be a dict of str, a Scope, or a function that gives one"
        )
    known = dict(named.parts) if isinstance(named, Scope) else dict(named)
    together = {**parts, **known}
    return Scope.of(**{name: str(part) for name, part in together.items() if part is not None})


def named_by(scope: "Parts | Callable[..., Parts]", *asked: Any) -> Parts:
    """The user's parts for one question."""
    return scope(*asked) if callable(scope) else scope


def plain(value: Any) -> Any:
    """A value as JSON, messages and documents by what they say; raises InputError.

    >>> plain({"user": ("Ann", 3)}), plain(Document("Soup."))
    ({'user': ['Ann', 3]}, ['Soup.', {}])
    """
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, Document):
        return [value.page_content, plain(value.metadata)]
    if isinstance(value, BaseMessage):
        calls = value.tool_calls if isinstance(value, AIMessage) else []
        return [value.type, plain(value.content), [[c["name"], plain(c["args"])] for c in calls]]
    raise InputError(
        f"a {type(value).__name__} cannot be part of a scope: give its value as JSON would hold it"
    )


def turns(value: Any) -> bool:
    """Whether a value is a conversation that has begun."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(turn, BaseMessage) for turn in value)
    )


def digest(value: Any) -> str | None:
    """A fingerprint; `None` of what is empty or holds only what is: no history is no history.

    >>> digest({"chat_history": []}), digest([]), digest({"level": 0}) is None
    (None, None, False)
    """
    values = value.values() if isinstance(value, Mapping) else value
    empty = all(isinstance(item, str | list | dict) and not item for item in values)
    return None if empty else fingerprint(plain(value))
