"""What must be equal before an answer is served: the parts of a `Scope`."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from ragthrift.errors import InputError
from ragthrift.types import Message, Scope

EARLIER = "earlier"
"""The part that holds the digest of the turns before the question."""


def fingerprint(value: object) -> str:
    """16 hex digits of a value as JSON: the same for equal values in any order of keys.

    >>> fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    True
    """
    try:
        text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"a scope is made of JSON values, and {type(value).__name__} has none: {error}; "
            "pass the part's name and version, or its schema as a dict"
        ) from error
    return blake2b(text.encode(), digest_size=8).hexdigest()


def cache_scope(  # noqa: PLR0913 - one argument for each part that may change an answer
    *,
    tenant: str | None = None,
    user: str | None = None,
    model: str | None = None,
    sampling: Mapping[str, object] | None = None,
    system_prompt: str | None = None,
    tools: Sequence[object] | None = None,
    schema: object = None,
    prompt_version: str | None = None,
    embedder: str | None = None,
    corpus: str | None = None,
    earlier: str | None = None,
) -> Scope:
    """A scope from whatever can change an answer; long parts enter as a digest.

    A part that is `None` is left out. Name the parts that must be there in
    `Rules(declared=...)`: without one of them nothing is served or stored.

    >>> cache_scope(tenant="acme", model="small", sampling={"temperature": 0}).parts[0]
    ('model', 'small')
    >>> cache_scope(system_prompt="Be brief.") == cache_scope(system_prompt="Be brief!")
    False
    """
    named = {"tenant": tenant, "user": user, "model": model, "prompt_version": prompt_version}
    named |= {"embedder": embedder, "corpus": corpus, EARLIER: earlier}
    digested: dict[str, object] = {"sampling": sampling, "system_prompt": system_prompt}
    digested |= {"tools": tools, "schema": schema}
    parts = {name: str(value) for name, value in named.items() if value is not None}
    parts |= {name: fingerprint(v) for name, v in digested.items() if v is not None}
    return Scope.of(**parts)


def missing_parts(scope: Scope, declared: Sequence[str]) -> list[str]:
    """Declared parts that a scope lacks or leaves empty."""
    present = {name for name, value in scope.parts if value}
    return [name for name in declared if name not in present]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the digest of what the user said before it."""

    question: str
    earlier: str | None
    """For the scope's `earlier`; `None` when the question stands alone."""


def last_question(
    messages: Sequence[Message],
    *,
    rewritten: str | None = None,
    stands_alone: Callable[[str], bool] | None = None,
) -> Asked:
    """The question to look up for a conversation.

    Earlier turns of the user enter as a digest, so that "and on Friday?" is only served where the
    same was said before. A question rewritten to stand alone needs no digest, nor does one that
    `stands_alone` says needs none.

    >>> talk = [Message("user", "Is there soup?"), Message("user", "And on Friday?")]
    >>> asked = last_question(talk)
    >>> asked.question, asked.earlier is not None
    ('And on Friday?', True)
    >>> last_question(talk, rewritten="Is there soup on Friday?").earlier is None
    True
    """
    turns = [message.content for message in messages if message.role == "user"]
    if not turns:
        raise InputError("no message of the user to look up; the last question must be among them")
    if rewritten is not None:
        return Asked(rewritten, None)
    if len(turns) == 1 or (stands_alone is not None and stands_alone(turns[-1])):
        return Asked(turns[-1], None)
    return Asked(turns[-1], fingerprint(turns[:-1]))
