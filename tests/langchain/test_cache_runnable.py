"""A cache around whole chains."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from typing import Any

import pytest
from langchain_classic.chains import create_retrieval_chain
from langchain_classic.chains.combine_documents import create_stuff_documents_chain
from langchain_core.callbacks import BaseCallbackHandler, UsageMetadataCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import (
    ConfigurableField,
    Runnable,
    RunnableConfig,
    RunnableGenerator,
    RunnableLambda,
)
from langchain_core.tools import create_retriever_tool, tool

from langchain_ragthrift import CachedRunnable, SemanticCache
from ragthrift import InputError
from ragthrift.cache import Asked, Lifetime, Rules
from ragthrift.testing import FakeEmbedder
from tests.langchain.fakes import Shelf
from tests.langchain.talking import ASKED, NEAR, USAGE, TalkingModel, make, settings

MENU = [
    Document("The canteen opens at nine.", id="c1", metadata={"source": "menu.md", "page": 4}),
    Document("Soup is on Fridays.", id="c2", metadata={"source": "soup.md"}),
]
SCOPE = {"tenant": "acme"}
TEXT = ChatPromptTemplate.from_template("{question}")


def text_chain(model: TalkingModel) -> Runnable[Any, str]:
    return TEXT | model | StrOutputParser()


def wrapped(chain: Runnable[Any, Any], **more: Any) -> CachedRunnable[Any, Any]:
    return CachedRunnable(make(), chain, scope=SCOPE, **more)


def retrieval_chain(model: TalkingModel, documents: list[Document]) -> Runnable[Any, Any]:
    prompt = ChatPromptTemplate.from_messages([("system", "{context}"), ("human", "{input}")])
    chain: Runnable[Any, Any] = create_retrieval_chain(
        Shelf(documents=documents), create_stuff_documents_chain(model, prompt)
    )
    return chain


class Runs(BaseCallbackHandler):
    """Notes runs as (name, tags, parent)."""

    def __init__(self) -> None:
        self.runs: list[tuple[str | None, list[str], bool]] = []

    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
        self.runs.append((kwargs.get("name"), kwargs["tags"], kwargs["parent_run_id"] is not None))


def test_a_text_chain_is_asked_once_for_one_meaning() -> None:
    model = TalkingModel()
    cached = SemanticCache(FakeEmbedder(), **settings()).wrap(
        text_chain(model), question="question", scope=SCOPE
    )
    answers = [cached.invoke({"question": q}) for q in (ASKED, ASKED.upper().title(), NEAR)]
    assert answers == ["At nine, sharp."] * 3
    assert model.calls == 1


def test_messages_come_back_as_new_ones_that_cost_nothing() -> None:
    model = TalkingModel()
    cached = wrapped(TEXT | model, question="question")
    spent = UsageMetadataCallbackHandler()
    first, again, near = (
        cached.invoke({"question": q}, {"callbacks": [spent]}) for q in (ASKED, ASKED, NEAR)
    )
    assert spent.usage_metadata["talking-1"]["total_tokens"] == 12
    assert first.usage_metadata == USAGE
    assert len({first.id, again.id, near.id}) == 3
    assert isinstance(near, AIMessage)
    assert near.usage_metadata is not None
    assert (near.content, near.usage_metadata["total_tokens"]) == ("At nine, sharp.", 0)
    assert "id" not in near.response_metadata
    assert near.response_metadata["ragthrift_cache"]["source"] == "semantic"
    assert near.response_metadata["ragthrift_cache"]["question"] == ASKED
    assert again.response_metadata["ragthrift_cache"]["source"] == "exact"


def test_provider_ids_and_thoughts_are_not_served() -> None:
    blocks: list[str | dict[str, Any]] = [
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "text", "text": "At nine.", "id": "msg_1", "annotations": [{"url": "a"}]},
    ]
    kwargs = {"parsed": object(), "citations": ["a"]}
    model = TalkingModel(answer=AIMessage(content=blocks, additional_kwargs=kwargs))
    cached = wrapped(TEXT | model, question="question")
    cached.invoke({"question": ASKED})
    served = cached.invoke({"question": ASKED})
    assert served.content == [{"type": "text", "text": "At nine.", "annotations": [{"url": "a"}]}]
    assert served.additional_kwargs == {"citations": ["a"]}
    assert model.calls == 1


def test_a_retrieval_chain_gives_its_documents_again() -> None:
    model = TalkingModel()
    cached = wrapped(retrieval_chain(model, MENU), question="input", document_key="source")
    first = cached.invoke({"input": ASKED})
    near = cached.invoke({"input": NEAR})
    assert near == {**first, "input": NEAR}
    assert near["context"] == MENU
    assert model.calls == 1


def test_a_changed_document_takes_its_answers_along() -> None:
    model, cache = TalkingModel(), make()
    cached = CachedRunnable(
        cache,
        retrieval_chain(model, MENU),
        question="input",
        scope=SCOPE,
        document_key="source",
    )
    cached.invoke({"input": ASKED})
    assert cache.invalidate(document_id="unknown.md") == 0
    assert cache.invalidate(document_id="menu.md") == 1
    cached.invoke({"input": ASKED})
    assert model.calls == 2


def test_what_retrievers_find_is_evidence_though_the_output_hides_it() -> None:
    model, cache = TalkingModel(), make()
    shelf = Shelf(documents=MENU)
    chain = {"question": lambda q: q, "c": shelf} | text_chain(model)
    cached = CachedRunnable(cache, chain, scope=SCOPE)
    cached.invoke(ASKED)
    assert cache.invalidate(document_id="c2") == 1


def test_an_empty_retrieval_is_not_stored() -> None:
    model = TalkingModel()
    cached = wrapped(retrieval_chain(model, []), question="input")
    for _ in range(2):
        cached.invoke({"input": ASKED})
    assert model.calls == 2


@pytest.mark.parametrize(
    "made",
    [
        TalkingModel(finish="length"),
        TalkingModel(finish="MALFORMED"),
        TalkingModel(answer="I'm sorry, I can't help with that."),
        TalkingModel(answer=AIMessage("No.", additional_kwargs={"refusal": "No."})),
        TalkingModel(answer=""),
    ],
    ids=["cut off", "unknown end", "refusal in words", "refusal", "empty"],
)
@pytest.mark.parametrize("parsed", [True, False])
@pytest.mark.parametrize("how", ["invoke", "stream"])
def test_bad_answers_are_given_and_not_stored(made: TalkingModel, parsed: bool, how: str) -> None:
    model = made.model_copy(update={"heard": []}, deep=False)
    if how == "stream" and isinstance(made.answer, AIMessage):
        pytest.skip("the fake streams text only")
    cached = wrapped(text_chain(model) if parsed else TEXT | model, question="question")
    for _ in range(2):
        if how == "invoke":
            cached.invoke({"question": ASKED})
        else:
            list(cached.stream({"question": ASKED}))
    assert model.calls == 2


def test_calls_of_tools_are_not_stored_whatever_the_rules_say() -> None:
    call = {"name": "search", "args": {}, "id": "1"}
    model = TalkingModel(answer=AIMessage("Let me see.", tool_calls=[call]))
    cache = make(rules=Rules(deterministic_tools=frozenset(["search"])))
    cached = CachedRunnable(cache, TEXT | model, question="question", scope=SCOPE)
    for _ in range(2):
        assert cached.invoke({"question": ASKED}).tool_calls
    assert model.calls == 2


def test_chains_that_run_tools() -> None:
    @tool
    def email(text: str) -> str:
        """Send an email."""
        return "sent"

    search = create_retriever_tool(
        Shelf(documents=MENU), "search", "Searches.", response_format="content_and_artifact"
    )
    model = TalkingModel()

    def run(name: Any, args: dict[str, str], rules: Rules | None = None) -> int:
        before, cache = model.calls, make(rules=rules)
        call = {"name": name.name, "args": args, "id": "1", "type": "tool_call"}

        def act(question: str, config: RunnableConfig) -> dict[str, str]:
            assert isinstance(name.invoke(call, config), ToolMessage)
            return {"question": question}

        cached = CachedRunnable(cache, RunnableLambda(act) | text_chain(model), scope=SCOPE)
        for _ in range(2):
            cached.invoke(ASKED)
        return model.calls - before

    assert run(email, {"text": "Hello"}) == 2
    assert run(email, {"text": "Hello"}, Rules(deterministic_tools=frozenset(["email"]))) == 1
    assert run(search, {"query": "canteen"}) == 1


def test_what_cannot_be_written_down_passes_through(caplog: pytest.LogCaptureFixture) -> None:
    asked: list[str] = []

    def give(question: str) -> object:
        asked.append(question)
        return {"answer": "At nine.", "at": (9, 0)}

    cached = wrapped(RunnableLambda(give))
    with caplog.at_level(logging.WARNING):
        outputs = [cached.invoke(ASKED), cached.invoke(ASKED), *cached.stream(ASKED)]
    assert outputs == [{"answer": "At nine.", "at": (9, 0)}] * 3
    assert cached.unkept == {"dict": 3}
    assert len(asked) == 3
    assert ["not cached" in record.message for record in caplog.records] == [True]


def test_what_the_chain_is_given_besides_the_question_counts() -> None:
    model = TalkingModel()
    chain = ChatPromptTemplate.from_template("{language} {question}") | model
    cached = wrapped(chain, question="question", ignore=["trace"])
    cached.invoke({"question": ASKED, "language": "de", "trace": "1"})
    cached.invoke({"question": ASKED, "language": "de", "trace": "2"})
    assert model.calls == 1
    cached.invoke({"question": ASKED, "language": "en", "trace": "1"})
    assert model.calls == 2
    with pytest.raises(InputError, match="a object cannot be part of a scope"):
        cached.invoke({"question": ASKED, "language": object()})


def test_a_conversation_before_the_question_counts() -> None:
    model = TalkingModel()
    cached = wrapped(TEXT | model, question="question")
    canteen, shop = (
        [HumanMessage(f"Is there a {place}?"), AIMessage("Yes.")] for place in ("canteen", "shop")
    )
    for history in ([], canteen, shop):
        for _ in range(2):
            cached.invoke({"question": "And on Friday?", "chat_history": history})
    assert model.calls == 4  # without a conversation it is never kept


def test_configurable_fields_of_the_chain_count_and_others_do_not() -> None:
    model = TalkingModel()
    field = ConfigurableField(id="model_name")
    cached = wrapped(TEXT | model.configurable_fields(model_name=field), question="question")
    served = [
        cached.invoke(
            {"question": ASKED}, {"configurable": {"model_name": name, "thread_id": thread}}
        )
        for name, thread in (("small", "1"), ("small", "2"), ("large", "1"), ("large", "2"))
    ]
    names = [message.response_metadata["model_name"] for message in served]
    assert names == ["small", "small", "large", "large"]
    assert ["ragthrift_cache" in m.response_metadata for m in served] == [False, True, False, True]


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_tenants_share_nothing_and_the_config_reaches_the_chain(how: str) -> None:
    asked: list[str] = []

    def ask(_: str, config: RunnableConfig) -> str:
        asked.append(config["configurable"]["tenant"])
        assert "billed" in config["tags"]
        return f"For {asked[-1]}."

    cached = CachedRunnable(
        make(rules=Rules(declared=("tenant",))),
        RunnableLambda(ask),
        scope=lambda _, config: {"tenant": config["configurable"].get("tenant")},
    )
    for tenant in ("acme", "bolt", "acme", "bolt"):
        config: RunnableConfig = {"configurable": {"tenant": tenant}, "tags": ["billed"]}
        said = (
            await cached.ainvoke(ASKED, config) if how == "async" else cached.invoke(ASKED, config)
        )
        assert said == f"For {tenant}."
    assert asked == ["acme", "bolt"]


async def test_it_shows_as_a_run_above_the_chain() -> None:
    seen = Runs()
    cached = wrapped(text_chain(TalkingModel()), question="question")
    config: RunnableConfig = {"callbacks": [seen], "tags": ["t"], "run_name": "ask"}
    cached.invoke({"question": ASKED}, config)
    assert seen.runs[0] == ("ask", ["t"], False)
    assert seen.runs[1][0] == "RunnableSequence"
    assert seen.runs[1][2]
    seen.runs.clear()
    await cached.ainvoke({"question": ASKED}, config)
    assert seen.runs == [("ask", ["t"], False)]


def test_a_failure_is_raised_and_not_stored() -> None:
    model = TalkingModel(fails=True)
    cached = wrapped(text_chain(model), question="question")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="no model today"):
            cached.invoke({"question": ASKED})
    with pytest.raises(RuntimeError, match="no model today"):
        list(cached.stream({"question": ASKED}))
    assert model.calls == 3


def test_a_stream_passes_chunks_as_they_come_and_is_replayed() -> None:
    model = TalkingModel(seconds=0.4)
    cached = wrapped(text_chain(model), question="question")
    came = [(chunk, time.monotonic()) for chunk in cached.stream({"question": ASKED})]
    assert "".join(chunk for chunk, _ in came).strip() == "At nine, sharp."
    assert max(late - early for (_, early), (_, late) in pairwise(came)) > 0.05
    again = list(cached.stream({"question": NEAR}))
    assert len(again) == 3
    assert "".join(again) == "".join(chunk for chunk, _ in came)
    assert cached.invoke({"question": ASKED}) == "".join(again)
    assert model.calls == 1


async def test_streams_of_messages_and_dicts_add_up_to_the_same() -> None:
    model = TalkingModel()
    messages = wrapped(TEXT | model, question="question")
    first = [chunk async for chunk in messages.astream({"question": ASKED})]
    again = [chunk async for chunk in messages.astream({"question": ASKED})]
    assert all(isinstance(chunk, AIMessageChunk) for chunk in again)
    whole, served = first[0] + first[1:], again[0] + again[1:]
    assert (served.content, served.usage_metadata["total_tokens"]) == (whole.content, 0)
    assert served.response_metadata["ragthrift_cache"]["source"] == "exact"
    assert served.id != whole.id

    chain = wrapped(retrieval_chain(model, MENU), question="input")
    fresh, stored = ({}, {})  # type: ignore[var-annotated]
    for together in (fresh, stored):
        for chunk in chain.stream({"input": ASKED}):
            for key, value in chunk.items():
                together[key] = together[key] + value if key in together else value
    assert fresh == stored
    assert stored["context"] == MENU
    assert model.calls == 2


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_a_stream_that_is_left_is_not_stored(how: str) -> None:
    model = TalkingModel()
    cached = wrapped(text_chain(model), question="question")
    if how == "sync":
        stream = cached.stream({"question": ASKED})
        next(stream)
        stream.close()  # type: ignore[attr-defined]
    else:
        astream = cached.astream({"question": ASKED})
        await anext(astream)
        await astream.aclose()  # type: ignore[attr-defined]
    assert await cached.ainvoke({"question": ASKED}) == "At nine, sharp."
    assert model.calls == 2


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_events_of_a_stream(version: Any) -> None:
    model = TalkingModel()
    cached = wrapped(text_chain(model), question="question")
    seen = []
    for _ in range(2):
        stream = cached.astream_events({"question": ASKED}, version=version)
        seen.append([event async for event in stream])
    fresh, again = seen
    assert any(event["event"] == "on_chat_model_stream" for event in fresh)
    assert not any("chat_model" in event["event"] for event in again)
    for events in seen:
        own = [e for e in events if e["name"] == "SemanticCache"]
        text = "".join(e["data"]["chunk"] for e in own if e["event"] == "on_chain_stream")
        assert text.strip() == "At nine, sharp."
    assert model.calls == 1


async def test_a_hundred_at_once_make_one_call_and_the_loop_stays_free() -> None:
    model = TalkingModel(seconds=0.5)
    cached = wrapped(TEXT | model, question="question")
    ticks, done = 0, False

    async def tick() -> None:
        nonlocal ticks
        while not done:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    messages = await asyncio.gather(*(cached.ainvoke({"question": ASKED}) for _ in range(100)))
    done = True
    await ticking
    assert model.calls == model.awaited == 1
    assert len({message.id for message in messages}) == 100
    assert sum(message.usage_metadata["total_tokens"] for message in messages) == 12
    assert ticks > 2, "the loop ran on while the call was made"


async def test_streams_at_once_make_one_call() -> None:
    model = TalkingModel(seconds=0.2)
    cached = wrapped(text_chain(model), question="question")

    async def ask() -> str:
        return "".join([chunk async for chunk in cached.astream({"question": ASKED})])

    assert {text.strip() for text in await asyncio.gather(*(ask() for _ in range(20)))} == {
        "At nine, sharp."
    }
    assert model.calls == model.awaited == 1


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_batches_with_duplicates_make_one_call(how: str) -> None:
    model = TalkingModel(seconds=0.1)
    cached = wrapped(text_chain(model), question="question")
    questions = [{"question": ASKED}] * 8
    answers = await cached.abatch(questions) if how == "async" else cached.batch(questions)
    assert answers == ["At nine, sharp."] * 8
    assert model.calls == 1


async def test_a_cache_inside_a_cache_does_not_wait_for_itself() -> None:
    model = TalkingModel(seconds=0.05)
    inner = wrapped(text_chain(model), question="question")
    outer = wrapped(inner, question="question")
    questions = [{"question": f"What is number {n}?"} for n in range(40)]
    answers = await asyncio.wait_for(outer.abatch(questions), 30)
    assert len(answers) == 40


async def test_who_cancels_cancels_the_chain_and_nobody_else() -> None:
    model = TalkingModel(seconds=0.5)
    cached = wrapped(text_chain(model), question="question")
    first = asyncio.create_task(cached.ainvoke({"question": ASKED}))
    await asyncio.sleep(0.2)
    others = [asyncio.create_task(cached.ainvoke({"question": ASKED})) for _ in range(9)]
    await asyncio.sleep(0.2)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert set(await asyncio.gather(*others)) == {"At nine, sharp."}
    assert (model.awaited, model.calls) == (2, 1)  # one was cancelled before it was heard


async def test_one_of_those_who_wait_takes_a_stream_over_that_was_left() -> None:
    model = TalkingModel(seconds=0.8)
    cached = wrapped(text_chain(model), question="question")

    async def ask() -> str:
        return "".join([chunk async for chunk in cached.astream({"question": ASKED})])

    first = asyncio.create_task(ask())
    await asyncio.sleep(0.3)
    others = [asyncio.create_task(ask()) for _ in range(9)]
    await asyncio.sleep(0.1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert {text.strip() for text in await asyncio.gather(*others)} == {"At nine, sharp."}
    assert model.awaited == 2


async def test_what_is_due_for_a_fresh_answer_is_served_and_computed_behind() -> None:
    model = TalkingModel()
    cache = make(lifetime=Lifetime(soft_seconds=0.05))
    cached = CachedRunnable(cache, text_chain(model), question="question", scope=SCOPE)
    await cached.ainvoke({"question": ASKED})
    model.answer = "At ten."
    await asyncio.sleep(0.1)
    assert await cached.ainvoke({"question": ASKED}) == "At nine, sharp."
    for _ in range(100):
        await asyncio.sleep(0.02)
        if model.calls == 2:
            break
    await asyncio.sleep(0.05)
    assert await cached.ainvoke({"question": ASKED}) == "At ten."
    cache.close()


def test_a_stream_that_is_due_for_a_fresh_answer_is_replayed() -> None:
    model = TalkingModel()
    cache = make(lifetime=Lifetime(soft_seconds=0.05))
    cached = CachedRunnable(cache, text_chain(model), question="question", scope=SCOPE)
    first = "".join(cached.stream({"question": ASKED}))
    time.sleep(0.1)
    assert "".join(cached.stream({"question": ASKED})).strip() == first.strip() == "At nine, sharp."
    cache.close()
    assert model.calls == 2


async def test_a_cache_is_closed_on_the_loop_that_a_refresh_waits_for() -> None:
    model = TalkingModel()
    cache = make(lifetime=Lifetime(soft_seconds=0.05))
    cached = CachedRunnable(cache, text_chain(model), question="question", scope=SCOPE)
    await cached.ainvoke({"question": ASKED})
    await asyncio.sleep(0.1)
    model.seconds = 20
    assert await cached.ainvoke({"question": ASKED}) == "At nine, sharp."
    while model.awaited < 2:
        await asyncio.sleep(0.01)
    cache.close()
    assert model.calls == 1


def test_a_refresh_without_a_loop_is_given_up() -> None:
    model = TalkingModel()
    cache = make(lifetime=Lifetime(soft_seconds=0.05))
    cached = CachedRunnable(cache, text_chain(model), question="question", scope=SCOPE)
    asyncio.run(cached.ainvoke({"question": ASKED}))
    time.sleep(0.1)
    assert asyncio.run(cached.ainvoke({"question": ASKED})) == "At nine, sharp."
    cache.close()
    assert model.calls <= 2


async def test_errors_of_an_awaited_chain_are_raised() -> None:
    model = TalkingModel(fails=True)
    cached = wrapped(text_chain(model), question="question")
    with pytest.raises(RuntimeError, match="no model today"):
        await cached.ainvoke({"question": ASKED})
    with pytest.raises(RuntimeError, match="no model today"):
        async for _ in cached.astream({"question": ASKED}):
            pass


async def test_it_is_a_link_of_a_chain() -> None:
    model = TalkingModel()
    cached = wrapped(text_chain(model), question="question")

    def shout(texts: Iterator[str]) -> Iterator[str]:
        for text in texts:
            yield text.upper()

    async def ashout(texts: AsyncIterator[str]) -> AsyncIterator[str]:
        async for text in texts:
            yield text.upper()

    asking: Runnable[Any, Any] = RunnableLambda(lambda q: {"question": q})
    chain = asking | cached | RunnableGenerator(shout, ashout)
    for _ in range(2):
        assert "".join(chain.stream(ASKED)).strip() == "AT NINE, SHARP."
    pieces = [piece async for piece in chain.astream(NEAR)]
    assert len(pieces) == 3
    assert model.calls == 1


def test_the_question_may_be_found_by_a_function() -> None:
    model = TalkingModel()
    cached = wrapped(
        TEXT | model,
        question=lambda given: Asked(given["question"].split(": ")[-1], given["chat"] or None),
        ignore=["question", "chat"],
    )
    cached.invoke({"question": f"Ann: {ASKED}", "chat": ""})
    cached.invoke({"question": f"Bob: {ASKED}", "chat": ""})
    assert model.calls == 1
    cached.invoke({"question": f"Bob: {ASKED}", "chat": "7"})
    assert model.calls == 2


def test_what_is_wrong_is_said() -> None:
    cached = wrapped(text_chain(TalkingModel()))
    with pytest.raises(InputError, match="pass question="):
        cached.invoke({"question": ASKED})
    with pytest.raises(InputError, match="must be a collection"):
        wrapped(text_chain(TalkingModel()), ignore="trace")
    bad: Any = "acme"
    with pytest.raises(InputError, match="scope='acme' must be"):
        CachedRunnable(make(), text_chain(TalkingModel()), scope=bad, question="question").invoke(
            {"question": ASKED}
        )
