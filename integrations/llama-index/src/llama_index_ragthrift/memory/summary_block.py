"""A summary block for LlamaIndex's `Memory`, which has none of its own."""

import asyncio
from collections.abc import Sequence
from typing import Any, Self

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.bridge.pydantic import ConfigDict, Field, PrivateAttr
from llama_index.core.memory import BaseMemoryBlock
from llama_index.core.utils import get_tokenizer

from llama_index_ragthrift.memory.sections import sections_of, without
from llama_index_ragthrift.memory.verbatim import to_plain
from ragthrift.memory import (
    ConversationMemory,
    Gate,
    Policy,
    Recall,
    Recaller,
    Room,
    SqliteTranscript,
    Summariser,
    Transcript,
    Watermarks,
    worth_recalling,
)
from ragthrift.tokens import EstimatedTokens

_EACH_FLUSH = Policy(Watermarks(high=2, low=1, limit=2))
"""LlamaIndex has decided by then: what it flushes is no longer sent, so all of it is summarised."""


class SummaryMemoryBlock(BaseMemoryBlock[str]):
    """Facts, summaries and recalled turns of the messages that `Memory` has flushed.

    Each `session_id` of a `Memory` has its own. With a `path`, they outlive the process. The
    summary is made in the background; until it is there, or if it fails, the flushed messages
    stand in the block word for word. `close` waits for summaries under way.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    name: str = Field(default="summary", description="The tag around the block.")
    priority: int = Field(default=1, description="0 is never truncated, 1 truncated last.")
    path: str | None = Field(default=None, description="The transcript's file.")
    transcript: Transcript | None = Field(
        default=None, exclude=True, description="Where messages are kept, in place of a path."
    )
    summariser: Summariser | None = Field(
        default=None, exclude=True, description="Free, and without a model, by default."
    )
    recall: Recaller = Field(
        default_factory=Recall, exclude=True, description="Finds flushed messages."
    )
    gate: Gate = Field(
        default=worth_recalling, exclude=True, description="Which questions are worth a recall."
    )
    room: Room = Field(default_factory=Room, exclude=True, description="Tokens for each part.")
    _conversation: ConversationMemory = PrivateAttr()
    _kept: Transcript = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Open the transcript."""
        super().model_post_init(context)
        self._kept = self.transcript or SqliteTranscript(self.path)
        self._conversation = ConversationMemory(
            summariser=self.summariser,
            transcript=self._kept,
            policy=_EACH_FLUSH,
            room=self.room,
        )

    @property
    def conversation(self) -> ConversationMemory:
        """What remembers: `fetch`, `forget` and `report` by `session_id`."""
        return self._conversation

    async def atruncate(self, content: str, tokens_to_truncate: int) -> str | None:
        """Without as many sections as need be: old summaries go first, facts last."""
        tokenizer = get_tokenizer()
        return without(content, tokens_to_truncate, lambda text: len(tokenizer(text)))

    def close(self) -> None:
        """Wait for summaries under way; a given transcript stays open."""
        self._conversation.close()
        if self.transcript is None:
            self._kept.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _aget(self, messages: list[ChatMessage] | None = None, **block_kwargs: Any) -> str:
        session = block_kwargs.get("session_id") or ""
        return await asyncio.to_thread(self._text, session, messages or [])

    async def _aput(self, messages: list[ChatMessage]) -> None:
        await asyncio.to_thread(self._keep, messages)

    def _keep(self, messages: Sequence[ChatMessage]) -> None:
        by_session: dict[str, list[ChatMessage]] = {}
        for message in messages:
            session = message.additional_kwargs.get("session_id") or ""
            by_session.setdefault(session, []).append(message)
        for session, said in by_session.items():
            self._conversation.remember(session, to_plain(said))
            self._conversation.after(session)

    def _text(self, session: str, active: Sequence[ChatMessage]) -> str:
        # Books the call, and makes a summary that failed before when its time has come.
        if not self._conversation.view(session):
            return ""
        sections = sections_of(
            self._kept.load(session),
            to_plain(active),
            recaller=self.recall,
            gate=self.gate,
            room=self.room,
            counter=EstimatedTokens(),
        )
        return "\n\n".join(sections)
