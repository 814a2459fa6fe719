"""A question under way: put to the LLM that the router names, from a thread or an event loop."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole
from llama_index.core.llms import LLM

from llama_index_ragthrift.cache.endings import Said
from llama_index_ragthrift.route.calls import to_chat_message
from llama_index_ragthrift.route.hearing import Hearing
from llama_index_ragthrift.route.provider_markers import ProviderMarkers, without_markers
from llama_index_ragthrift.route.question import Question
from llama_index_ragthrift.route.structured import Misfit
from llama_index_ragthrift.route.telling import Telling
from ragthrift import InputError, Message, Tier
from ragthrift.bridge import Bridge
from ragthrift.route import Attempt, Call, Piece, charged


class Asking:
    """Its methods are what `Router.run` and `Router.stream` ask with."""

    def __init__(
        self, question: Question[Any], llms: Mapping[str, LLM], bridge: Bridge | None = None
    ) -> None:
        self._question, self._llms, self._bridge = question, llms, bridge
        self._markers = ProviderMarkers(llms.values())
        self._thread: int | None = None
        self._said: dict[Message, tuple[list[ChatMessage], str]] = {}

    def attempt(self, tier: Tier, call: Call) -> Attempt:
        """Ask once."""
        llm, telling, hearing = self._llm(tier), Telling(), Hearing()
        bridge = self._bridge_here()
        try:
            if bridge:
                said = hearing.run(lambda: bridge.wait(self._asked(llm, "a", call)))
            else:
                said = hearing.run(lambda: self._asked(llm, "", call))
            if isinstance(said, Said):
                telling.hear(said)
            attempt = self._question.attempt(llm, said, telling, hearing)
        except Exception as error:
            made = self._failed(llm, error, hearing)
            if made is None:
                raise
            attempt = made
        return self._remembered(attempt)

    def stream(self, tier: Tier, call: Call) -> Iterator[Piece | Attempt]:
        """Ask once, for pieces; nothing at the end of a stream in which nothing came."""
        llm, telling, hearing = self._llm(tier), Telling(), Hearing()
        last: Any = None
        try:
            for said in hearing.each(lambda: self._streamed(llm, call)):
                last = said
                if isinstance(said, Said):
                    telling.hear(said)
                yield self._question.piece(said, tier.name)
            if last is None:
                return
            attempt = self._question.attempt(llm, last, telling, hearing)
        except Exception as error:
            made = self._failed(llm, error, hearing)
            if made is None:
                raise
            attempt = made
        yield self._remembered(attempt)

    def _asked(self, llm: LLM, form: str, call: Call) -> Any:
        args, options = self._question.given(llm, self._turns(call.added))
        foreign = self._markers.foreign(llm)
        args = tuple(without_markers(value, foreign) for value in args)
        options = {
            name: without_markers(value, foreign)
            for name, value in options.items()
            if name not in foreign
        }
        return getattr(llm, form + self._question.method)(*args, **options)

    def _streamed(self, llm: LLM, call: Call) -> Iterator[Any]:
        bridge = self._bridge_here()
        if bridge:
            return bridge.values(bridge.wait(self._asked(llm, "astream_", call)))
        return iter(self._asked(llm, "stream_", call))

    def _bridge_here(self) -> Bridge | None:
        """None on another thread than the call's own: a shadow call outlives what is awaited."""
        here = threading.get_ident()
        self._thread = self._thread or here
        return self._bridge if here == self._thread else None

    def _failed(self, llm: LLM, error: Exception, hearing: Hearing) -> Attempt | None:
        if hearing.usage is not None:
            charged(error, hearing.usage)
        return self._question.failed(llm, error, hearing)

    def _remembered(self, attempt: Attempt) -> Attempt:
        """The answer's own turn says more than the text that the router has of it."""
        said = Message("assistant", attempt.text, tool_calls=attempt.tool_calls)
        raw = attempt.raw
        if isinstance(raw, Misfit):
            words = [ChatMessage(raw.words, role=MessageRole.ASSISTANT)] if raw.words else []
            self._said[said] = words, str(raw.error)
        elif isinstance(raw, ChatResponse):
            self._said[said] = [raw.message], ""
        return attempt

    def _turns(self, added: Sequence[Message]) -> list[ChatMessage]:
        """The answers as they were said, and after each what is wrong with it."""
        turns: list[ChatMessage] = []
        wrong = ""
        for message in added:
            if message in self._said:
                said, wrong = self._said[message]
                turns += said
            elif wrong:
                turns.append(ChatMessage(f"{wrong}\nAnswer again, whole and corrected."))
            else:
                turns.append(to_chat_message(message))
        return turns

    def _llm(self, tier: Tier) -> LLM:
        if tier.name not in self._llms:
            raise InputError(f"there is no LLM for the tier {tier.name!r}; add it to llms")
        return self._llms[tier.name]
