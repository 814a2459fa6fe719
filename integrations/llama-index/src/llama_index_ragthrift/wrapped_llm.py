"""An LLM of LlamaIndex where ragthrift takes a language model."""

from collections.abc import Sequence

from llama_index.core.base.llms.types import ChatResponse
from llama_index.core.instrumentation.dispatcher import (  # type: ignore[attr-defined]
    active_instrument_tags,
    instrument_tags,
)
from llama_index.core.llms import LLM

from llama_index_ragthrift.memory.verbatim import to_chat_message
from llama_index_ragthrift.route.answers import tool_calls
from llama_index_ragthrift.route.telling import Telling
from ragthrift import Completion, ContextOverflowError, Message, Usage
from ragthrift.memory.turn import message_tokens
from ragthrift.route import fault_of
from ragthrift.tokens import EstimatedTokens


class LlamaIndexLLM:
    """An LLM of LlamaIndex for what ragthrift asks of a model itself.

    Sampling is set on the LLM. Its handlers hear of the calls, so that what counts tokens counts
    these, too. Usage is what the LLM tells, or estimated where it tells none. `purpose` is what a
    ledger books the calls under.

    >>> from llama_index.core.llms import MockLLM
    >>> LlamaIndexLLM(MockLLM()).complete([Message("user", "Yes?")], stop=["?"]).text
    'user: Yes'
    """

    def __init__(self, llm: LLM, *, purpose: str | None = None) -> None:
        self._llm = llm
        self._about = {"purpose": purpose} if purpose else {}

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Completion:
        """One answer, cut at `stop` here, since not every LLM knows the argument.

        A prompt that is too long for the LLM raises `ContextOverflowError`.
        """
        limits = {} if max_tokens is None else {"max_tokens": max_tokens}
        try:
            with instrument_tags({**active_instrument_tags.get(), **self._about}):
                reply = self._llm.chat([to_chat_message(turn) for turn in messages], **limits)
        except Exception as error:
            if fault_of(error) == "overflow":
                needed = _tokens(messages) + (max_tokens or 0)
                window = self._llm.metadata.context_window
                raise ContextOverflowError(needed, window) from error
            raise
        return self._completion(messages, reply, stop)

    def _completion(
        self, messages: Sequence[Message], reply: ChatResponse, stop: Sequence[str]
    ) -> Completion:
        said = reply.message.content or ""
        telling = Telling()
        telling.hear(reply)
        return Completion(
            said[: min((at for end in stop if (at := said.find(end)) >= 0), default=None)],
            telling.usage or Usage(_tokens(messages), EstimatedTokens().count(said)),
            self._llm.metadata.model_name,
            telling.finish_reason,
            tool_calls(self._llm, reply),
        )


def _tokens(messages: Sequence[Message]) -> int:
    counter = EstimatedTokens()
    return sum(message_tokens(message, counter) for message in messages)
