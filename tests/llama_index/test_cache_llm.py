"""An LLM behind a cache: only the question may differ, and all else must be equal."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from llama_index.core import PromptTemplate, Settings
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    CompletionResponse,
    LLMMetadata,
    MessageRole,
    ToolCallBlock,
)
from llama_index.core.base.response.schema import AsyncStreamingResponse
from llama_index.core.bridge.pydantic import BaseModel
from llama_index.core.callbacks import CallbackManager, CBEventType, TokenCountingHandler
from llama_index.core.llms import LLM, CustomLLM, MockLLM
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.output_parsers import PydanticOutputParser
from llama_index.core.prompts.default_prompt_selectors import DEFAULT_TEXT_QA_PROMPT_SEL
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer

from llama_index_ragthrift import CachedLLM, LocalLLM
from llama_index_ragthrift.cache.endings import Ending
from ragthrift import Completion, InputError, ToolCall, Usage
from ragthrift.cache import Freshness, SemanticCache
from tests.llama_index.caches import ASKED, NEAR, OTHER, Counting, a_cache, an_index
from tests.llama_index.conftest import Called, Heard
from tests.llama_index.fakes import Scripted, ScriptedStream

TENANT = {"tenant": "acme"}
CONTEXT = "The canteen opens at nine."
ANSWER = "It opens at nine."
TEMPLATE = DEFAULT_TEXT_QA_PROMPT_SEL


def cached(model: Any, cache: SemanticCache | None = None, **fields: Any) -> CachedLLM:
    llm = LocalLLM(model, **{"model_name": "scripted-1"} | fields)
    return CachedLLM(llm, cache or a_cache(), scope=TENANT)


async def predict(llm: LLM, how: str, question: str = ASKED, **variables: Any) -> str:
    """In one of the four ways; the question is partial, as synthesizers do it."""
    variables = {"context_str": CONTEXT} | variables
    prompt = variables.pop("prompt", TEMPLATE).partial_format(query_str=question)
    if how == "predict":
        return llm.predict(prompt, **variables)
    if how == "apredict":
        return await llm.apredict(prompt, **variables)
    if how == "stream":
        return "".join(llm.stream(prompt, **variables))
    return "".join([piece async for piece in await llm.astream(prompt, **variables)])


WAYS = ["predict", "apredict", "stream", "astream"]
EVERY_WAY = pytest.mark.parametrize("how", WAYS)
CHAT = pytest.mark.parametrize("chat", [False, True])


@EVERY_WAY
@CHAT
async def test_a_question_in_other_words_is_answered_once(how: str, chat: bool) -> None:
    model = ScriptedStream(ANSWER)
    llm = cached(model, is_chat_model=chat)
    assert [await predict(llm, how, q) for q in (ASKED, ASKED.lower(), NEAR)] == [ANSWER] * 3
    assert len(model.asked) == 1


async def test_every_way_shares_its_answers() -> None:
    model = ScriptedStream(ANSWER)
    llm = cached(model)
    assert [await predict(llm, how) for how in WAYS] == [ANSWER] * 4
    assert len(model.asked) == 1


@EVERY_WAY
async def test_another_context_is_another_answer(how: str) -> None:
    model = ScriptedStream(ANSWER)
    llm = cached(model)
    await predict(llm, how)
    for context in (CONTEXT.replace("nine", "ten"), f"{CONTEXT}\n\nThe lift holds eight."):
        await predict(llm, how, NEAR, context_str=context)
    assert len(model.asked) == 3


@EVERY_WAY
async def test_whatever_changes_the_answer_is_in_the_scope(how: str) -> None:
    cache, model = a_cache(), ScriptedStream(ANSWER)
    await predict(cached(model, cache), how)
    french = PromptTemplate("{context_str}\nIn French: {query_str}")
    others: list[tuple[CachedLLM, dict[str, Any]]] = [
        (cached(model, cache, model_name="scripted-2"), {}),
        (cached(model, cache, system_prompt="Be brief."), {}),
        (cached(model, cache, max_tokens=9), {}),
        (CachedLLM(LocalLLM(model, model_name="scripted-1"), cache, scope={"tenant": "b"}), {}),
        (cached(model, cache), {"prompt": french}),
    ]
    for at, (llm, variables) in enumerate(others):
        await predict(llm, how, **variables)
        assert len(model.asked) == 2 + at, at
    await predict(cached(model, cache), how)
    assert len(model.asked) == 6


async def test_other_variables_must_be_equal() -> None:
    refine = PromptTemplate("Refine {existing_answer} by {context_msg} for {query_str}")
    model = Scripted(ANSWER)
    llm = cached(model)
    for question, answer in ((ASKED, "At ten."), (NEAR, "At ten."), (ASKED, "At eleven.")):
        llm.predict(refine, query_str=question, context_msg=CONTEXT, existing_answer=answer)
    assert len(model.asked) == 2


@pytest.mark.parametrize("how", ["stream", "astream"])
async def test_a_miss_streams_for_real(how: str) -> None:
    model = ScriptedStream(ANSWER, seconds=0.03)
    llm = cached(model)
    prompt = TEMPLATE.partial_format(query_str=ASKED)
    sent: list[int] = []
    if how == "stream":
        for piece in llm.stream(prompt, context_str=CONTEXT):
            sent += [len(model.sent)] if piece else []
    else:
        async for piece in await llm.astream(prompt, context_str=CONTEXT):
            sent += [len(model.sent)] if piece else []
    assert sent == [1, 2, 3, 4]
    assert await predict(llm, how) == ANSWER
    assert len(model.asked) == 1


def test_a_stream_that_is_left_is_not_kept() -> None:
    model = ScriptedStream(ANSWER)
    llm = cached(model)
    pieces = llm.stream(TEMPLATE.partial_format(query_str=ASKED), context_str=CONTEXT)
    next(pieces)
    pieces.close()
    assert model.closed
    assert llm._cache.counters.get("stored") is None


async def test_fifty_at_once_make_one_call() -> None:
    model = Scripted(ANSWER, seconds=0.2)
    llm = cached(model)
    answers = await asyncio.gather(*(predict(llm, "apredict") for _ in range(50)))
    assert set(answers) == {ANSWER}
    assert len(model.asked) == 1


@EVERY_WAY
@pytest.mark.parametrize(
    "completion",
    [
        Completion("It opens at", Usage(9, 9), "m", "length"),
        Completion("It opens at", Usage(9, 9), "m", "content_filter"),
        Completion("I don't know.", Usage(9, 9), "m"),
        Completion("", Usage(9, 9), "m"),
        Completion("Looking.", Usage(9, 9), "m", "stop", (ToolCall("1", "search"),)),
    ],
)
async def test_what_is_no_whole_answer_is_not_kept(how: str, completion: Completion) -> None:
    class Said(Scripted):
        def complete(self, *args: Any, **kwargs: Any) -> Completion:
            super().complete(*args, **kwargs)
            return completion

    model = Said()
    llm = cached(model)
    assert [await predict(llm, how) for _ in range(2)] == [completion.text] * 2
    assert len(model.asked) == 2


def raw(**of_the_provider: Any) -> ChatResponse:
    return ChatResponse(message=ChatMessage("At nine."), raw=of_the_provider)


class Choice(BaseModel):
    finish_reason: str | None


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (raw(), "stop"),
        (raw(choices=[Choice(finish_reason="stop")]), "stop"),
        (raw(choices=[Choice(finish_reason="length")]), "length"),
        (raw(choices=[{"finish_reason": "tool_calls"}]), "tool_calls"),
        (raw(candidates=[{"finish_reason": "MAX_TOKENS"}]), "length"),
        (raw(stop_reason="end_turn"), "stop"),
        (raw(stop_reason="max_tokens"), "length"),
        (raw(stopReason="max_tokens"), "length"),
        (raw(done_reason="length"), "length"),
        (raw(status="incomplete"), "length"),
        (raw(finish_reason="SAFETY"), "content_filter"),
        (raw(finish_reason="a new word"), "error"),
        (CompletionResponse(text="", additional_kwargs={"finish_reason": "length"}), "length"),
        (
            ChatResponse(message=ChatMessage("a", additional_kwargs={"stop_reason": "max_tokens"})),
            "length",
        ),
    ],
)
def test_endings_of_many_providers(response: Any, expected: str) -> None:
    ending = Ending()
    ending.hear(response)
    ending.hear(raw())  # a last chunk with nothing but the usage
    assert ending.to_fresh("At nine.").finish_reason == expected


def test_tool_calls_and_tokens_are_read() -> None:
    ending = Ending()
    called = ChatMessage(blocks=[ToolCallBlock(tool_name="find", tool_kwargs={})])
    ending.hear(ChatResponse(message=called, raw={"usage": {"total_tokens": 47}}))
    fresh = ending.to_fresh("")
    assert ([call.name for call in fresh.tool_calls], fresh.tokens) == (["find"], 47)
    old = Ending()
    old.hear(ChatResponse(message=ChatMessage("", additional_kwargs={"tool_calls": [object()]})))
    assert len(old.to_fresh("").tool_calls) == 1


@EVERY_WAY
async def test_a_prompt_without_context_passes_through(how: str) -> None:
    model = ScriptedStream(ANSWER)
    llm = cached(model)
    for _ in range(2):
        assert (await predict(llm, how, context_str="")).strip() == ANSWER
    assert len(model.asked) == 2
    assert llm._cache.counters == {}


def test_a_prompt_without_question_passes_through() -> None:
    llm = cached(model := Scripted(ANSWER))
    for _ in range(2):
        llm.predict(PromptTemplate("Sum up: {context_str}"), context_str=CONTEXT)
    assert len(model.asked) == 2


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize(
    "mode",
    [
        ResponseMode.COMPACT,
        ResponseMode.REFINE,
        ResponseMode.TREE_SUMMARIZE,
        ResponseMode.SIMPLE_SUMMARIZE,
        ResponseMode.ACCUMULATE,
    ],
)
async def test_it_is_an_llm_in_every_synthesizer(mode: ResponseMode, awaited: bool) -> None:
    model = Scripted(ANSWER)
    llm = cached(model)
    retriever = Counting(an_index())
    engine = RetrieverQueryEngine.from_args(retriever, llm=llm, response_mode=mode)
    for question in (ASKED, NEAR):
        response = await engine.aquery(question) if awaited else engine.query(question)
        assert ANSWER in str(response)
        assert len(response.source_nodes) == 2
    calls = len(model.asked)
    assert calls == (2 if mode in (ResponseMode.REFINE, ResponseMode.ACCUMULATE) else 1)
    retriever.index = an_index(canteen="The canteen opens at ten.")
    await engine.aquery(ASKED)
    assert len(model.asked) > calls
    assert retriever.calls == 3


async def test_a_synthesizer_streams_from_it() -> None:
    model = ScriptedStream(ANSWER)
    index = an_index()
    engine = index.as_query_engine(llm=cached(model), streaming=True, similarity_top_k=2)
    assert str(engine.query(ASKED)) == ANSWER
    response = await engine.aquery(NEAR)
    assert isinstance(response, AsyncStreamingResponse)
    assert "".join([piece async for piece in response.async_response_gen()]) == ANSWER
    assert len(model.asked) == 1


@EVERY_WAY
async def test_a_hit_is_not_billed(how: str, heard: Heard, called: Called) -> None:
    counting = TokenCountingHandler()
    llm = cached(ScriptedStream(ANSWER))
    llm.callback_manager = CallbackManager([counting, called])
    for question in (ASKED, NEAR):
        await predict(llm, how, question)
    assert counting.total_llm_token_count == 47
    assert len(heard.named("LLMChatEndEvent")) == 1
    assert len(heard.named("LLMPredictStartEvent")) == 2
    assert [when for when, _ in called.of(CBEventType.LLM)] == ["start", "end"]
    assert len(called.of(CBEventType.TEMPLATING)) == 4


@pytest.mark.parametrize("name", ["chat", "complete", "stream_chat", "stream_complete"])
@pytest.mark.parametrize("awaited", [False, True])
async def test_calls_without_a_template_pass_through(name: str, awaited: bool) -> None:
    model = ScriptedStream(ANSWER)
    llm = cached(model)
    prompt: Any = [ChatMessage(ASKED)] if "chat" in name else ASKED
    for _ in range(2):
        if awaited:
            response = await getattr(llm, f"a{name}")(prompt, max_tokens=9)
            parts = [part async for part in response] if "stream" in name else [response]
        else:
            response = getattr(llm, name)(prompt, max_tokens=9)
            parts = list(response) if "stream" in name else [response]
        assert str(parts[-1]).endswith(ANSWER)
    assert [asked[1] for asked in model.asked] == [9, 9]


def test_it_passes_for_the_llm_it_wraps() -> None:
    inner = LocalLLM(Scripted(ANSWER), model_name="scripted-1", context_window=2048)
    llm = CachedLLM(inner, a_cache(), scope=TENANT)
    assert llm.metadata == inner.metadata
    assert {FunctionCallingLLM, LLM} <= set(CachedLLM.__mro__)
    assert "llm" not in llm.to_dict()
    manager = CallbackManager([])
    llm.callback_manager = manager
    assert inner.callback_manager is manager
    get_response_synthesizer(llm=llm, callback_manager=(other := CallbackManager([])))
    assert inner.callback_manager is other


def test_settings_take_it() -> None:
    before = Settings._llm
    try:
        Settings.llm = cached(model := Scripted(ANSWER))
        engine = an_index().as_query_engine()
        assert [str(engine.query(q)) for q in (ASKED, NEAR)] == [ANSWER] * 2
        assert len(model.asked) == 1
    finally:
        Settings._llm = before


async def test_structured_answers_are_the_llms() -> None:
    class Hours(BaseModel):
        opens: int

    model = Scripted('{"opens": 9}')
    llm = cached(model)
    prompt = PromptTemplate("{context_str} {query_str}")
    variables = {"context_str": CONTEXT, "query_str": ASKED}
    assert llm.structured_predict(Hours, prompt, **variables) == Hours(opens=9)
    assert await llm.astructured_predict(Hours, prompt, **variables) == Hours(opens=9)
    assert len(model.asked) == 2


@pytest.mark.parametrize("how", ["predict", "apredict"])
async def test_an_output_parser_is_applied_to_what_is_kept(how: str) -> None:
    class Hours(BaseModel):
        opens: int

    model = Scripted('Sure: {"opens": 9}')
    llm = cached(model, output_parser=PydanticOutputParser(Hours))
    assert [await predict(llm, how, q) for q in (ASKED, NEAR)] == ["opens=9"] * 2
    assert len(model.asked) == 1
    with pytest.raises(NotImplementedError, match="not supported for streaming"):
        await predict(llm, "stream")


async def test_an_agent_calls_its_tools() -> None:
    def lift(floor: int) -> str:
        """Go somewhere."""
        return f"floor {floor}"

    def respond(messages: Sequence[ChatMessage], **_: Any) -> ChatMessage:
        if messages[-1].role == MessageRole.TOOL:
            return ChatMessage(messages[-1].content, role=MessageRole.ASSISTANT)
        call = ToolCallBlock(tool_call_id="1", tool_name="lift", tool_kwargs={"floor": 3})
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=[call])

    inner = MockFunctionCallingLLM(response_generator=respond, is_chat_model=True)
    llm = CachedLLM(inner, a_cache(), scope=TENANT)
    agent = FunctionAgent(tools=[lift], llm=llm)
    memory = ChatMemoryBuffer.from_defaults()
    assert str(await agent.run("Go to three", memory=memory)) == "floor 3"
    assert llm._cache.counters == {}


def test_an_llm_without_tools_says_so() -> None:
    with pytest.raises(InputError, match="LocalLLM calls no tools"):
        cached(Scripted()).chat_with_tools([], ASKED)


def test_another_thing_than_an_llm_is_refused() -> None:
    with pytest.raises(InputError, match="no LLM of LlamaIndex"):
        CachedLLM(Scripted(), a_cache(), scope=TENANT)  # type: ignore[arg-type]


@EVERY_WAY
@pytest.mark.parametrize("mode", ["after_retrieval", "auto"])
async def test_a_cache_may_compare_evidence(how: str, mode: Any) -> None:
    model = ScriptedStream(ANSWER)
    llm = cached(model, a_cache(freshness=Freshness(mode=mode)))
    for question, context in ((ASKED, CONTEXT), (NEAR, CONTEXT), (NEAR, "It opens at ten.")):
        await predict(llm, how, question, context_str=context)
    assert len(model.asked) == 2


async def test_one_question_is_kept_for_each_context() -> None:
    model = Scripted(ANSWER)
    llm = cached(model)
    for _ in range(2):
        for context in (CONTEXT, "The lift holds eight people."):
            await predict(llm, "predict", context_str=context)
    assert len(model.asked) == 2


class OnLoop(CustomLLM):
    """Answers on the event loop, and remembers in which form it was asked."""

    forms: list[str]

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(is_chat_model=True, model_name="on-loop")

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        raise AssertionError("the awaited form is asked")

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise AssertionError("the awaited form is asked")

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        self.forms.append("achat")
        await asyncio.sleep(0.05)
        return ChatResponse(message=ChatMessage(ANSWER))

    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        async def pieces() -> AsyncGenerator[ChatResponse, None]:
            self.forms.append("astream_chat")
            for delta in ("It opens", " at nine."):
                await asyncio.sleep(0.01)
                yield ChatResponse(message=ChatMessage(delta), delta=delta)

        return pieces()


@pytest.mark.parametrize(("how", "form"), [("apredict", "achat"), ("astream", "astream_chat")])
async def test_an_awaited_llm_is_awaited(how: str, form: str) -> None:
    inner = OnLoop(forms=[])
    llm = CachedLLM(inner, a_cache(), scope=TENANT)
    answers = await asyncio.gather(*(predict(llm, how) for _ in range(10)))
    assert set(answers) == {ANSWER}
    assert inner.forms == [form]


@EVERY_WAY
async def test_an_error_comes_through(how: str) -> None:
    class Gone(Scripted):
        def complete(self, *args: Any, **kwargs: Any) -> Completion:
            raise ConnectionError("the model is gone")

    with pytest.raises(ConnectionError, match="gone"):
        await predict(cached(Gone()), how)


async def test_different_questions_are_different() -> None:
    llm = CachedLLM(MockLLM(), a_cache(), scope=TENANT)
    first, other = [await predict(llm, "predict", question) for question in (ASKED, OTHER)]
    assert ASKED in first
    assert OTHER in other
