"""What a model call is called: its request type, conversation and purpose."""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_ragthrift.memory.viewing import SESSION_KEYS
from langchain_ragthrift.wrapped_llm import TAGS

_MARKS = ("request_type:", "request_type=")
_GENERIC = (
    "Runnable", "LangGraph", "ChatPromptTemplate", "PromptTemplate", "Router", "SemanticCache",
    "Chat", "model", "agent", "tools", "LLMChain", "VectorStoreRetriever",
)  # fmt: skip
"""How names begin that LangChain gives by itself."""


def request_type_of(metadata: Mapping[str, Any], tags: Sequence[str], names: Sequence[str]) -> str:
    """By the metadata's `request_type`, a tag `request_type:...`, or the outermost given name.

    >>> request_type_of({"request_type": "faq"}, (), ())
    'faq'
    >>> request_type_of({}, ["request_type:faq"], ())
    'faq'
    >>> request_type_of({}, (), ("RunnableSequence", "contracts", "ChatOpenAI"))
    'contracts'
    """
    told = metadata.get("request_type")
    if told:
        return str(told)
    for tag in tags:
        for mark in _MARKS:
            if tag.startswith(mark) and len(tag) > len(mark):
                return tag.removeprefix(mark)
    return next((name for name in names if name and not name.startswith(_GENERIC)), "")


def session_of(metadata: Mapping[str, Any], configurable: Mapping[str, Any]) -> str:
    """The conversation's name.

    >>> session_of({}, {"thread_id": 7})
    '7'
    """
    keys = (*SESSION_KEYS, "conversation_id")
    known = (place.get(key) for place in (metadata, configurable) for key in keys)
    return next((str(name) for name in known if name not in (None, "")), "")


def purpose_of(metadata: Mapping[str, Any], tags: Sequence[str]) -> str:
    """By the metadata's `purpose`; what ragthrift asks a model itself are summaries."""
    told = metadata.get("purpose")
    return str(told) if told else "summary" if TAGS[0] in tags else "answer"
