"""A memory's messages in any of LlamaIndex's chat stores."""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from llama_index.core.storage.chat_store.base import BaseChatStore
from llama_index.core.storage.chat_store.base_db import AsyncDBChatStore

from llama_index_ragthrift.memory.verbatim import to_chat_message, to_plain
from ragthrift import Message
from ragthrift.memory import MessageLog

T = TypeVar("T")


def chat_store_log(store: BaseChatStore | AsyncDBChatStore) -> MessageLog:
    """What a `LoggedTranscript` keeps messages in; a session is a key of the store.

    What the store holds already stays as it is, with pictures; what is added is text and tool
    calls. Let nobody else add the same messages, or they stand there twice. A database, which
    LlamaIndex only awaits, is reached from a thread with an event loop of its own.

    >>> from llama_index.core.storage.chat_store import SimpleChatStore
    >>> store = SimpleChatStore()
    >>> messages = chat_store_log(store)
    >>> messages.add("ann", [Message("user", "Soup?")])
    >>> store.get_messages("ann")[0].content, messages.read("ann")[0].content
    ('Soup?', 'Soup?')
    """
    return _DatabaseLog(store) if isinstance(store, AsyncDBChatStore) else _StoreLog(store)


class _StoreLog:
    def __init__(self, store: BaseChatStore) -> None:
        self._store = store

    def read(self, session: str) -> list[Message]:
        return to_plain(self._store.get_messages(session))

    def add(self, session: str, messages: Sequence[Message]) -> None:
        for message in messages:
            self._store.add_message(session, to_chat_message(message))

    def clear(self, session: str) -> None:
        self._store.delete_messages(session)


class _DatabaseLog:
    def __init__(self, store: AsyncDBChatStore) -> None:
        self._store = store
        self._loop = asyncio.new_event_loop()
        threading.Thread(
            target=self._loop.run_forever, daemon=True, name="ragthrift-chat-store"
        ).start()

    def read(self, session: str) -> list[Message]:
        # What LlamaIndex's `Memory` has archived was said, too.
        return to_plain(self._awaited(self._store.get_messages(session, status=None)))

    def add(self, session: str, messages: Sequence[Message]) -> None:
        said = [to_chat_message(message) for message in messages]
        self._awaited(self._store.add_messages(session, said))

    def clear(self, session: str) -> None:
        self._awaited(self._store.delete_messages(session))

    def _awaited(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()
