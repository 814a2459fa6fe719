"""Outputs as bytes for a store, and back: messages and documents, and JSON around them."""

import logging
from typing import Any

from langchain_core.documents import Document
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, Generation

from ragthrift import InputError

log = logging.getLogger(__name__)

_CLASSES = (AIMessage, ChatGeneration, Document, Generation)
"""All that is ever made from what a store holds."""

_FAILURES = (KeyError, NotImplementedError, RecursionError, TypeError, ValueError)


def write(value: Any) -> bytes:
    """A value as bytes that give it back; raises InputError where nothing would.

    >>> read(write({"context": [Document("Soup.", metadata={"page": 4})]}))
    {'context': [Document(metadata={'page': 4}, page_content='Soup.')]}
    """
    try:
        text = dumps(value)
        faithful = bool(loads(text, allowed_objects=_CLASSES) == value)
    except _FAILURES as error:
        raise InputError(f"it cannot be written as JSON: {error}") from error
    if not faithful:
        raise InputError("it holds values that JSON does not give back, such as tuples or arrays")
    return text.encode("utf-8", "surrogatepass")


def read(written: bytes) -> Any:
    """What was written; `None` when that cannot be read, which is a miss."""
    if not written:
        return None
    try:
        return loads(written.decode("utf-8", "surrogatepass"), allowed_objects=_CLASSES)
    except _FAILURES as error:
        log.warning("a stored output cannot be read: %s", error)
        return None
