"""LLMs of LlamaIndex as summarisers: billed and checked."""

from collections.abc import Sequence
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.llms import CustomLLM
from llama_index.core.llms.callbacks import llm_chat_callback

from llama_index_ragthrift import LlamaIndexLLM, LocalLLM, RagthriftMemory
from llama_index_ragthrift.memory.verbatim import to_plain
from ragthrift import ContextOverflowError, Message, ToolCall, Usage
from ragthrift.memory import (
    ConversationMemory,
    LLMSummariser,
    SharedPrefixSummariser,
    SqliteTranscript,
)
from ragthrift.memory.view import SUMMARY
from ragthrift.protocols import LLM
from ragthrift.testing import LLMContract, ScriptedLLM
from tests.llama_index.memory.talks import SMALL, small_talk, text_of
from tests.llama_index.memory.talks import answer as said
from tests.llama_index.route.llms import Scripted, StatusError, calling
from tests.memory.view.talks import ROOM, answer, chat

USAGE = {
    "prompt_tokens": 900,
    "completion_tokens": 60,
    "prompt_tokens_details": {"cached_tokens": 500},
}
WRITTEN = answer("They talk about trees.", {"text": "customer id 4711", "turns": [1]})
TALK = chat(20)


class Summing(Scripted):
    """Ends as it is told, and has the usage of a model with a prompt cache."""

    ending: dict[str, Any] = {"finish_reason": "stop"}  # noqa: RUF012  (a field)
    usage: dict[str, Any] | None = USAGE

    def __init__(self, *says: Any, **fields: Any) -> None:
        super().__init__(*says or (WRITTEN,), **fields)

    def _raw(self, said: Any) -> dict[str, Any]:
        return {**super()._raw(said), **self.ending}


class TestLlamaIndexLLM(LLMContract):
    def make(self) -> LLM:
        def talkative(messages: Sequence[Message]) -> str:
            return "Soup and bread can be eaten, and it usually opens at half past eleven."

        return LlamaIndexLLM(LocalLLM(ScriptedLLM(talkative)))


@pytest.mark.parametrize(
    ("ending", "known"),
    [
        ({"finish_reason": "stop"}, "stop"),
        ({"finish_reason": "length"}, "length"),
        ({"finish_reason": None, "stop_reason": "max_tokens"}, "length"),
        ({"finish_reason": "content_filter"}, "content_filter"),
        ({"finish_reason": "nobody knows"}, "error"),
        ({"finish_reason": None}, "stop"),
    ],
)
def test_usage_and_ending_are_the_models(ending: dict[str, Any], known: str) -> None:
    llm = Summing(ending=ending)
    made = LlamaIndexLLM(llm).complete([Message("user", "?")], max_tokens=77)
    assert made.usage == Usage(900, 60, cache_read_tokens=500)
    assert (made.text, made.finish_reason, made.model) == (WRITTEN, known, "small")
    assert llm.asked[0][2] == {"max_tokens": 77}


def test_usage_that_is_not_told_is_estimated() -> None:
    made = LlamaIndexLLM(Summing(usage=None)).complete([Message("user", "word " * 100)])
    assert made.usage.input_tokens > 90
    assert made.usage.output_tokens > 10


def test_tool_calls_and_results_are_sent_and_read_as_such() -> None:
    llm = Summing(calling("menu", day=1), ending={})
    asked = Message("assistant", "", (ToolCall("a", "menu", '{"day": 1}'),))
    turns = [*chat(1), asked, Message("tool", "Soup.", tool_call_id="a")]
    made = LlamaIndexLLM(llm).complete(turns)
    assert to_plain(llm.asked[0][1]) == turns
    assert made.tool_calls == (ToolCall("call-menu", "menu", '{"day": 1}'),)
    assert made.finish_reason == "tool_calls"


def summarising(llm: Scripted) -> RagthriftMemory:
    """One whose `conversation.close` waits for summaries, and leaves the transcript open."""
    summariser = LLMSummariser(LlamaIndexLLM(llm))
    return RagthriftMemory(
        ConversationMemory(
            summariser=summariser, policy=SMALL, room=ROOM, transcript=SqliteTranscript()
        )
    )


def test_a_summary_is_in_the_view_and_its_tokens_in_the_report() -> None:
    llm = Summing()
    handler = TokenCountingHandler(tokenizer=str.split)
    llm.callback_manager = CallbackManager([handler])
    memory = summarising(llm)
    for n in range(30):
        memory.put_messages([ChatMessage(small_talk(n)), said("Nice.")])
        memory.conversation.close()
    memory.put(ChatMessage("Where were we?"))
    texts = [message.content or "" for message in memory.get()]
    account = memory.report().account
    assert f"{SUMMARY}\nThey talk about trees." in texts
    assert "customer id 4711" in texts[0]
    assert account.compactions == len(llm.asked) > 0
    assert account.summariser == sum([Usage(900, 60, 500)] * len(llm.asked), Usage())
    assert handler.total_llm_token_count == 960 * len(llm.asked)


@pytest.mark.parametrize(
    "wrong",
    [
        Summing(ending={"finish_reason": "length"}),
        Summing(ending={"finish_reason": "content_filter"}),
        Summing("Error code: 429 - rate limit exceeded"),
        Summing(answer("Internal server error")),
        Summing(TimeoutError("too slow")),
        Summing(StatusError(429)),
    ],
    ids=["length", "content_filter", "error", "quoted", "timeout", "status"],
)
def test_what_is_no_summary_leaves_the_view(wrong: Summing) -> None:
    memory = summarising(wrong)
    memory.put_messages([*(ChatMessage(small_talk(n)) for n in range(40)), said("Nice.")])
    memory.conversation.close()
    assert memory.get() == memory.get_all()
    account = memory.report().account
    assert (account.failures, account.compactions) == (1, 0)
    raised = any(name in str(wrong._says) for name in ("TimeoutError", "StatusError"))
    assert account.summariser.input_tokens == 900 * len(wrong.asked) * (not raised)


class Small(CustomLLM):
    """As a provider that refuses a prompt for its length."""

    _asked: list[int] = PrivateAttr(default_factory=list)

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=2500, model_name="tiny")

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        self._asked.append(len(text_of(messages)))
        if self._asked[-1] > 9000:
            error = StatusError(400)
            error.args = ("This model's maximum context length is 2500 tokens.",)
            raise error
        return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=WRITTEN))

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        raise NotImplementedError

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError


def test_a_window_that_is_too_small_gets_portions() -> None:
    llm = Small()
    with ConversationMemory(
        summariser=LLMSummariser(LlamaIndexLLM(llm)), policy=SMALL, room=ROOM
    ) as memory:
        memory.view("ann", chat(60))
        assert memory.compact("ann")
    assert len(llm._asked) > 3
    with pytest.raises(ContextOverflowError, match="holds 2500"):
        LlamaIndexLLM(llm).complete([Message("user", "word " * 3000)])


def test_the_shared_prefix_is_the_last_prompt() -> None:
    llm = Summing()
    with ConversationMemory(
        summariser=SharedPrefixSummariser(LlamaIndexLLM(llm)), policy=SMALL, room=ROOM
    ) as memory:
        sent = memory.view("ann", TALK)
        assert memory.compact("ann")
    assert to_plain(llm.asked[0][1])[:-1] == sent
