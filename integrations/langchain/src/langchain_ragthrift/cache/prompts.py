"""What a prompt asks, apart from everything else it holds."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from langchain_ragthrift.convert import block_text
from ragthrift.cache import fingerprint

LONGEST_QUESTION = 400
"""Characters; beyond them, or over several lines, a text is a template with documents in it, and
embedders cut it off before the question comes."""

Cut = Callable[[str], str | None]
"""The question in a text, word for word; `None` if there is none."""

_MESSAGES = frozenset(
    ["AIMessage", "ChatMessage", "FunctionMessage", "HumanMessage", "SystemMessage", "ToolMessage"]
)
_FOR_ONE_CALL = frozenset(["id", "response_metadata", "usage_metadata", "type"])


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question, and the digest of all that must be equal besides."""

    question: str
    around: str
    earlier: str | None = None
    """Digest of the turns before the question."""


def read_prompt(prompt: str, cut: Cut | None = None) -> Prompt:
    """Read the prompt that a LangChain model gives its cache: messages as JSON, or a text.

    Whatever is no conversation that ends with one short question is read as a whole: only the
    very same prompt equals it.

    >>> read_prompt("Translate: soup").question == read_prompt("Translate: Soup").question
    False
    """
    turns = _turns(prompt)
    text = prompt if turns is None else _last_text(turns)
    find = cut or (_short if turns else _nothing)
    question = find(text) if text else None
    if not text or not question or question not in text:
        digest = fingerprint(turns or prompt)
        return Prompt(f"prompt {digest}", digest)
    before, _, after = text.rpartition(question)
    *earlier, last = turns or [{}]
    rest: dict[str, Any] = {**last, "content": [before, after]}
    around = fingerprint([earlier, rest])
    begun = any(turn["kind"] != "SystemMessage" for turn in earlier)
    return Prompt(question, around, fingerprint(earlier) if begun else None)


def _turns(prompt: str) -> list[dict[str, Any]] | None:
    """The messages of a prompt; nothing is made from it but dicts, whatever it holds."""
    try:
        read = json.loads(prompt)
    except (ValueError, RecursionError):
        return None
    if not isinstance(read, list) or not read:
        return None
    turns = [_turn(message) for message in read]
    known = [turn for turn in turns if turn is not None]
    return known if len(known) == len(turns) else None


def _turn(message: Any) -> dict[str, Any] | None:
    match message:
        case {"type": "constructor", "id": ["langchain", *_, str(kind)], "kwargs": dict(said)}:
            kind = kind.removesuffix("Chunk")
            if kind not in _MESSAGES or "content" not in said:
                return None
            kept: dict[str, Any] = {
                k: v for k, v in said.items() if k not in _FOR_ONE_CALL and v not in ({}, [])
            }
            return {**kept, "kind": kind}
    return None


def _last_text(turns: list[dict[str, Any]]) -> str | None:
    last = turns[-1]
    if last["kind"] != "HumanMessage":
        return None
    content = last["content"]
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], str | dict):
        content = block_text(content[0])
    return content if isinstance(content, str) else None


def _short(text: str) -> str | None:
    question = text.strip()
    return question if len(question) <= LONGEST_QUESTION and "\n" not in question else None


def _nothing(_: str) -> None:
    """Of a prompt without messages nobody knows where its question is."""
