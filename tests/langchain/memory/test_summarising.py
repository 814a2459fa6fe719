"""Chat models of LangChain as summarisers: billed, checked, and heard by nobody."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.runnables.config import ensure_config
from pydantic import Field

from langchain_ragthrift import ChatLocal, LangChainLLM, condensed
from langchain_ragthrift.memory.messages import to_turns
from ragthrift import ContextOverflowError, Message, Usage
from ragthrift.memory import (
    Caching,
    ConversationMemory,
    LLMSummariser,
    Policy,
    SharedPrefixSummariser,
    Watermarks,
)
from ragthrift.memory.view import SUMMARY
from ragthrift.protocols import LLM
from ragthrift.testing import LLMContract, ScriptedLLM
from tests.langchain.memory.talking import Reader, human, memory_of, settle, small_talk, thread
from tests.memory.view.talks import ROOM, answer, chat

TALK = chat(12)
USAGE = {
    "input_tokens": 900,
    "output_tokens": 60,
    "total_tokens": 960,
    "input_token_details": {"cache_read": 500, "cache_creation": 100},
}
WRITTEN = answer("They talk about trees.", {"text": "customer id 4711", "turns": [1]})


class Summing(BaseChatModel):
    """Answers with `says`, with `ending` and usage; streams if it may; keeps what it was given."""

    says: str | Exception | Callable[[Sequence[BaseMessage]], str] = WRITTEN
    ending: str = "stop"
    told: Any = Field(default_factory=lambda: dict(USAGE))
    heard: list[list[BaseMessage]] = Field(default_factory=list)
    options: list[dict[str, Any]] = Field(default_factory=list)
    runs: list[Any] = Field(default_factory=list)
    configs: list[Any] = Field(default_factory=list)
    threads: list[str] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "summing"

    def _said(self, messages: list[BaseMessage], run: Any, options: dict[str, Any]) -> AIMessage:
        self.heard.append(messages)
        self.options.append(options)
        self.runs.append(run)
        self.configs.append(ensure_config())
        self.threads.append(threading.current_thread().name)
        said = self.says(messages) if callable(self.says) else self.says
        if isinstance(said, Exception):
            raise said
        known = {"finish_reason": self.ending, "model_name": "cheap-1"}
        return AIMessage(said, usage_metadata=self.told, response_metadata=known)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        said = self._said(messages, run_manager, {**kwargs, "stop": stop})
        return ChatResult(generations=[ChatGeneration(message=said)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        said = self._said(messages, run_manager, {**kwargs, "stop": stop})
        chunk = AIMessageChunk(**{**said.model_dump(), "type": "AIMessageChunk"})
        yield ChatGenerationChunk(message=chunk)

    def bind_tools(
        self, tools: Sequence[Any], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        return self.bind(tools=tools, **kwargs)


def talkative(messages: Sequence[Message]) -> str:
    return "Soup and bread can be eaten, and it usually opens at half past eleven."


class TestLangChainLLM(LLMContract):
    def make(self) -> LLM:
        return LangChainLLM(ChatLocal(llm=ScriptedLLM(talkative), model_name="scripted"))


@pytest.mark.parametrize(
    ("ending", "known"),
    [
        ("end_turn", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("MAX_TOKENS", "length"),
        ("content_filter", "content_filter"),
        ("refusal", "content_filter"),
        ("tool_use", "tool_calls"),
        ("MALFORMED", "error"),
    ],
)
def test_usage_and_ending_are_the_models(ending: str, known: str) -> None:
    made = LangChainLLM(Summing(ending=ending)).complete([Message("user", "?")])
    assert made.usage == Usage(900, 60, cache_read_tokens=500, cache_write_tokens=100)
    assert (made.text, made.finish_reason, made.model) == (WRITTEN, known, "cheap-1")


def test_usage_that_is_not_told_is_estimated() -> None:
    made = LangChainLLM(Summing(told=None)).complete([Message("user", "word " * 100)])
    assert made.usage.input_tokens > 90
    assert made.usage.output_tokens > 10


class Gemini(Summing):
    max_output_tokens: int | None = Field(default=None, alias="max_tokens")

    def _said(self, messages: list[BaseMessage], run: Any, options: dict[str, Any]) -> AIMessage:
        return super()._said(messages, run, {**options, "limit": self.max_output_tokens})


class Ollama(Summing):
    num_predict: int | None = None

    def _said(self, messages: list[BaseMessage], run: Any, options: dict[str, Any]) -> AIMessage:
        assert "max_tokens" not in options  # its client knows no such argument
        return super()._said(messages, run, {**options, "limit": self.num_predict})


@pytest.mark.parametrize(
    ("kind", "name"), [(Summing, "max_tokens"), (Gemini, "limit"), (Ollama, "limit")]
)
@pytest.mark.parametrize("bound", [False, True])
def test_the_limit_is_set_for_one_call(kind: type[Summing], name: str, bound: bool) -> None:
    model = kind()
    llm = LangChainLLM(model.bind_tools(["menu"]) if bound else model)
    llm.complete([Message("user", "?")], max_tokens=77, stop=["\n"])
    llm.complete([Message("user", "?")])
    first, second = model.options
    assert (first[name], first["stop"], second.get(name), second["stop"]) == (
        77,
        ["\n"],
        None,
        None,
    )
    assert [one.get("tools") for one in model.options] == [["menu"] if bound else None] * 2


def test_tool_calls_and_results_are_sent_as_such() -> None:
    model, said = Summing(), chat(1)
    asked = Message("assistant", "", to_turns([AIMessage("", tool_calls=[MENU])])[0].tool_calls)
    told = Message("tool", "Soup.", tool_call_id="a")
    LangChainLLM(model).complete([*said, asked, told])
    assert to_turns(model.heard[0]) == [*said, asked, told]


MENU: Any = {"name": "menu", "args": {"day": 1}, "id": "a", "type": "tool_call"}


def compacting(model: BaseChatModel, limit: int | None = None) -> ConversationMemory:
    policy = Policy(Watermarks(300, 100, limit), Caching(min_tokens=0), horizon=1000)
    return ConversationMemory(
        summariser=LLMSummariser(LangChainLLM(model)), policy=policy, room=ROOM
    )


def test_a_summary_is_in_the_view_and_its_tokens_in_the_report() -> None:
    model = Summing()
    with compacting(model) as memory:
        memory.view("ann", TALK)
        assert memory.compact("ann")
        sent = memory.view("ann", TALK)
        account = memory.report("ann").account
    assert [text.content for text in sent if text.content.startswith(SUMMARY)] == [
        f"{SUMMARY}\nThey talk about trees."
    ]
    assert account.summariser == Usage(900, 60, cache_read_tokens=500, cache_write_tokens=100)
    assert model.options[0]["max_tokens"] > 0


class StatusError(Exception):
    """As openai's and anthropic's."""

    status_code = 400


@pytest.mark.parametrize(
    ("wrong", "calls"),
    [
        ({"ending": "length"}, 2),
        ({"ending": "content_filter"}, 2),
        ({"says": "Error code: 429 - rate limit exceeded"}, 2),
        ({"says": answer("Internal server error")}, 2),
        ({"says": TimeoutError("too slow")}, 2),
        ({"says": StatusError("no such model")}, 2),
    ],
    ids=str,
)
def test_what_is_no_summary_leaves_the_view(wrong: dict[str, Any], calls: int) -> None:
    model = Summing(**wrong)
    with compacting(model) as memory:
        before = memory.view("ann", TALK)
        assert not memory.compact("ann")
        assert memory.view("ann", TALK) == before == TALK
        account = memory.report("ann").account
    assert (account.failures, account.compactions, len(model.heard)) == (1, 0, calls)
    answered = not isinstance(model.says, Exception)
    assert account.summariser.input_tokens == 900 * calls * answered


def test_a_window_that_is_too_small_gets_portions() -> None:
    def says(messages: Sequence[BaseMessage]) -> Any:
        if sum(len(str(message.text)) for message in messages) > 9000:
            return StatusError("This model's maximum context length is 2500 tokens.")
        return WRITTEN

    model = Summing(says=says)
    with compacting(model) as memory:
        memory.view("ann", chat(60))
        assert memory.compact("ann")
    assert len(model.heard) > 3
    with pytest.raises(ContextOverflowError, match="fewer passages") as raised:
        LangChainLLM(model).complete([Message("user", "word " * 3000)])
    assert isinstance(raised.value.__cause__, StatusError)


def test_the_shared_prefix_is_the_last_prompt() -> None:
    model = Summing()
    with ConversationMemory(
        summariser=SharedPrefixSummariser(LangChainLLM(model.bind_tools(["menu"]))),
        policy=Policy(Watermarks(300, 100), Caching(min_tokens=0), horizon=1000),
        room=ROOM,
    ) as memory:
        sent = memory.view("ann", TALK)
        assert memory.compact("ann")
    assert to_turns(model.heard[0])[:-1] == sent
    assert model.options[0]["tools"] == ["menu"]


class Listening(BaseCallbackHandler):
    """What it hears of models."""

    def __init__(self) -> None:
        self.tags: list[set[str]] = []
        self.tokens: list[str] = []

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.tags.append(set(kwargs["tags"] or ()))

    def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        self.tokens.append(str(token))


def heard_alone(model: Summing) -> None:
    """It ran, and had nothing of what ran around it."""
    assert model.heard
    for run, config in zip(model.runs, model.configs, strict=True):
        assert run.parent_run_id is None
        assert run.handlers == []
        assert {"ragthrift", "nostream"} <= set(run.tags)
        assert "tenant" not in run.tags
        assert config["configurable"] == {}


async def test_nothing_of_a_summary_streams_from_an_agent() -> None:
    pytest.importorskip("langchain.agents", reason="langchain is not installed")
    from langchain.agents import create_agent
    from langgraph.checkpoint.memory import InMemorySaver

    from langchain_ragthrift import MemoryMiddleware

    model, listening = Summing(), Listening()
    with compacting(model, limit=400) as memory:  # above it, a summary is made before the answer
        agent: Any = create_agent(
            Reader(), middleware=[MemoryMiddleware(memory)], checkpointer=InMemorySaver()
        )
        config = {**thread("ann"), "callbacks": [listening], "tags": ["tenant"]}
        for number in range(10):
            said = human(" ".join([small_talk(number)] * 12))
            async for event in agent.astream_events(said, config, version="v2"):
                if "chat_model" in event["event"]:
                    assert event["name"] == "Reader"
            settle()
        for number in range(10, 20):
            said = human(" ".join([small_talk(number)] * 12))
            for chunk, _ in agent.stream(said, config, stream_mode="messages"):
                assert "They talk" not in chunk.text
            settle()
        assert memory.report("ann").account.compactions >= 2
    heard_alone(model)
    assert set(model.threads) != {"ragthrift-memory"}  # some were made inside the agent's run
    assert listening.tokens
    assert not any("They talk" in token for token in listening.tokens)
    assert len(listening.tags) == 20  # the answers


def test_nothing_of_a_summary_streams_from_a_chain() -> None:
    model, listening = Summing(), Listening()
    given: Runnable[int, Any] = RunnableLambda(lambda count: chat(count)[:-1])
    with compacting(model) as memory:  # without a name, a summary is waited for
        chain = given | _as_messages | condensed(memory) | Reader()
        for count in range(4, 16):
            said = "".join(
                str(chunk.text)
                for chunk in chain.stream(
                    count, {"callbacks": [listening], "tags": ["tenant"], "configurable": {"a": 1}}
                )
            )
            assert said.startswith("How nice")
        assert memory.report().account.compactions >= 2
    heard_alone(model)
    assert not any("They talk" in token for token in listening.tokens)


def _as_messages(turns: Sequence[Message]) -> Any:
    from langchain_ragthrift.memory.messages import to_message

    return [to_message(turn) for turn in turns]


def test_the_models_own_callbacks_hear_of_it_with_its_tags() -> None:
    listening = Listening()
    with memory_of(
        summariser=LLMSummariser(LangChainLLM(Summing(callbacks=[listening])))
    ) as memory:
        memory.view("ann", chat(40))
        assert memory.after("ann").result(60)
    assert listening.tags
    assert all({"ragthrift", "nostream"} <= tags for tags in listening.tags)
