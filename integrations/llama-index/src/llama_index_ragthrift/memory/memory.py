"""A conversation's memory where LlamaIndex takes one: in chat engines and agents."""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self
from uuid import uuid4

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.llms import LLM
from llama_index.core.memory import BaseMemory

from llama_index_ragthrift.memory.verbatim import Verbatim
from ragthrift import InputError, Message
from ragthrift.memory import (
    Caching,
    ConversationMemory,
    MemoryReport,
    Policy,
    SqliteTranscript,
    Turn,
    Watermarks,
    turns_of,
)
from ragthrift.memory.groups import last_user
from ragthrift.tokens import EstimatedTokens


class RagthriftMemory(BaseMemory):
    """Remembers every message of a session and gives the short view of them that is sent.

    With a `path`, the session goes on after a restart. A `conversation` brings its own summariser,
    recall and transcript, and is closed by its owner. `close` waits for summaries under way.
    """

    conversation: Any = Field(exclude=True, frozen=True, description="What remembers.")
    session: str = Field(frozen=True, description="The name of the conversation.")
    path: str | None = Field(default=None, frozen=True, description="The transcript's file.")
    token_limit: int | None = Field(
        default=None, frozen=True, description="Tokens above which a summary is made at any cost."
    )
    model_name: str | None = Field(
        default=None, frozen=True, description="Whose published prices decide on summaries."
    )
    _own: bool = PrivateAttr()
    _lock: Any = PrivateAttr(default_factory=threading.RLock)
    _verbatim: Verbatim = PrivateAttr(default_factory=Verbatim)
    _asked: str = PrivateAttr(default="")  # the last turn of what was counted last

    def __init__(
        self,
        conversation: ConversationMemory | None = None,
        *,
        session: str | None = None,
        path: str | None = None,
        token_limit: int | None = None,
        model_name: str | None = None,
    ) -> None:
        if conversation is not None and (path is not None or token_limit or model_name):
            raise InputError(
                "a ConversationMemory has its own transcript and policy; "
                "set path, token_limit and model_name there"
            )
        fields: dict[str, Any] = {
            "conversation": conversation or _conversation(path, token_limit, model_name),
            "session": session or uuid4().hex,
            "path": path,
            "token_limit": token_limit,
            "model_name": model_name,
        }
        super().__init__(**fields)
        self._own = conversation is None

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex serialises the class under."""
        return "RagthriftMemory"

    @classmethod
    def from_defaults(
        cls,
        chat_history: Sequence[ChatMessage] | None = None,
        llm: LLM | None = None,
        **fields: Any,
    ) -> Self:
        """A memory for a model, with what was said before; `fields` are those of the class.

        An empty `chat_history`, which chat engines pass, leaves the session as it is.
        """
        if llm is not None and fields.get("conversation") is None:
            window = llm.metadata.context_window
            fields.setdefault("token_limit", max(window - llm.metadata.num_output, window // 2))
            fields.setdefault("model_name", llm.metadata.model_name)
        unknown = fields.keys() - cls.model_fields.keys()
        if unknown:
            raise InputError(f"{cls.__name__} has no {sorted(unknown)}")
        memory = cls(**fields)
        if chat_history:
            memory.set(list(chat_history))
        return memory

    def get(self, input: str | None = None, **_: Any) -> list[ChatMessage]:  # noqa: A002  (its name)
        """What to send. `input` is the question: its old turns are recalled, kept or not yet.

        The report counts it as a call of the model where it can be one: not behind an answer, as
        agents read it when they are done, and without `input` once for the same messages.
        """
        with self._lock:
            turns = self._turns()
            if not turns:
                return []
            if input and not _awaits(turns, input):
                return self._verbatim.back(self._before(Message("user", input), turns))
            asks = bool(input) or self._asked != turns[-1].id
            counted = asks and not _is_answer(turns[-1].message)
            if counted:
                self._asked = turns[-1].id
            return self._verbatim.back(self.conversation.view(self.session, counted=counted))

    def get_all(self) -> list[ChatMessage]:
        """Everything that was said, word for word."""
        return self._verbatim.back([turn.message for turn in self._turns()])

    def put(self, message: ChatMessage) -> None:
        """Remember a message."""
        self.put_messages([message])

    def put_messages(self, messages: Sequence[ChatMessage]) -> None:
        """Remember messages; behind an answer, summarise in the background if it pays."""
        if not messages:
            return
        with self._lock:
            kept = self._verbatim.kept(messages)
            self.conversation.remember(self.session, kept)
            self._asked = ""
        if _is_answer(kept[-1]):
            self.conversation.after(self.session)

    def set(self, messages: Sequence[ChatMessage]) -> None:
        """Go on from these messages; a beginning that is remembered keeps its summaries.

        Other turns of the session stay in the transcript, unseen. No messages are a `reset`.
        """
        if not messages:
            return self.reset()
        with self._lock:
            first, *others = self._verbatim.kept(messages)
            begin = turns_of([first], EstimatedTokens(), at=time.time())
            self.conversation.transcript.append(self.session, begin)
            self.conversation.remember(self.session, others)
            self._asked = ""
        return None

    def reset(self) -> None:
        """Delete the session, its transcript included."""
        with self._lock:
            self.conversation.forget(self.session)
            self._asked = ""

    def report(self) -> MemoryReport:
        """What the memory saved in this session, net of what summaries cost."""
        report: MemoryReport = self.conversation.report(self.session)
        return report

    def close(self) -> None:
        """Wait for summaries under way; a given conversation stays open."""
        if self._own:
            self.conversation.close()
            self.conversation.transcript.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _turns(self) -> Sequence[Turn]:
        turns: Sequence[Turn] = self.conversation.transcript.load(self.session).turns
        return turns

    def _before(self, question: Message, turns: Sequence[Turn]) -> list[Message]:
        """What to send before a question that the caller holds and keeps later, if at all."""
        self.conversation.remember(self.session, [question])
        try:
            sent: list[Message] = self.conversation.view(self.session)
        finally:
            after = turns[-2].id if len(turns) > 1 else ""
            self.conversation.transcript.append(self.session, turns[-1:], after=after)
        return sent[:-1]


def _awaits(turns: Sequence[Turn], question: str) -> bool:
    """Whether the question is the last one that was kept, and has no answer yet."""
    messages = [turn.message for turn in turns]
    asked = last_user(messages)
    return asked >= 0 and messages[asked].content == question and not _is_answer(messages[-1])


def _is_answer(message: Message) -> bool:
    return message.role == "assistant" and not message.tool_calls


def _conversation(
    path: str | None, token_limit: int | None, model_name: str | None
) -> ConversationMemory:
    policy = Policy(caching=Caching.of(model_name) if model_name else Caching())
    if token_limit is not None:
        # A quarter below the limit, so that most summaries are weighed and not forced.
        high = min(policy.high, token_limit * 3 // 4)
        low = min(policy.watermarks.low, high // 5)
        policy = replace(policy, watermarks=Watermarks(high, low, token_limit))
    return ConversationMemory(transcript=SqliteTranscript(path), policy=policy)
