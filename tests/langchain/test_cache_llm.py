"""A cache where models look for one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_socket
from langchain_core.caches import BaseCache
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.globals import set_llm_cache
from langchain_core.language_models import FakeListLLM
from langchain_core.load import dumps
from langchain_core.messages import AIMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, Generation
from langchain_tests.integration_tests import AsyncCacheTestSuite, SyncCacheTestSuite

from langchain_ragthrift import LLMCache
from langchain_ragthrift.cache.prompts import read_prompt
from ragthrift.cache import Rules, SqliteStore, Store
from tests.langchain.talking import ASKED, NEAR, USAGE, TalkingModel, make

SYSTEM = SystemMessage("Answer briefly.")


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("redis", reason="needs ragthrift[redis]")
    from tests.cache.servers import running

    pytest_socket.enable_socket()
    with running("sets", tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture(params=["memory", "file", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param != "redis":
        return SqliteStore(tmp_path / "answers.db" if request.param == "file" else None)
    url = request.getfixturevalue("redis_url")
    pytest_socket.enable_socket()
    from ragthrift.cache import RedisStore

    return RedisStore(url, prefix=tmp_path.name)


@pytest.fixture
def cache(store: Store) -> Iterator[BaseCache]:
    semantic = make(store=store)
    yield LLMCache(semantic, scope={})
    semantic.close()


class TestSyncStandard(SyncCacheTestSuite):
    @pytest.fixture
    def cache(self, cache: BaseCache) -> BaseCache:
        return cache


class TestAsyncStandard(AsyncCacheTestSuite):
    @pytest.fixture
    async def cache(self, cache: BaseCache) -> BaseCache:
        return cache


@pytest.fixture
def everywhere() -> Iterator[LLMCache]:
    semantic = make()
    cache = LLMCache(semantic, scope={"tenant": "acme"})
    set_llm_cache(cache)
    yield cache
    set_llm_cache(None)
    semantic.close()


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_a_near_question_costs_nothing(everywhere: LLMCache, how: str) -> None:
    model, spent = TalkingModel(), UsageMetadataCallbackHandler()
    said = []
    for question in (ASKED, ASKED, NEAR):
        prompt = [SYSTEM, HumanMessage(question)]
        config: Any = {"callbacks": [spent]}
        said.append(
            await model.ainvoke(prompt, config) if how == "async" else model.invoke(prompt, config)
        )
    assert [message.content for message in said] == ["At nine, sharp."] * 3
    assert model.calls == 1
    assert spent.usage_metadata["talking-1"]["total_tokens"] == 12
    assert said[0].usage_metadata == USAGE
    assert len({message.id for message in said}) == 3
    mark = said[2].response_metadata["ragthrift_cache"]
    assert (mark["source"], mark["question"]) == ("semantic", ASKED)
    assert "id" not in said[2].response_metadata


@pytest.mark.parametrize(
    "other",
    [
        [SystemMessage("Answer at length."), HumanMessage(ASKED)],
        [SYSTEM, HumanMessage("Is there a shop?"), AIMessage("Yes."), HumanMessage(ASKED)],
        [SYSTEM, HumanMessage(ASKED, name="Bob")],
        [SYSTEM, HumanMessage(ASKED), AIMessage("At")],
    ],
    ids=["system", "earlier", "name", "prefilled"],
)
def test_all_but_the_question_must_be_equal(everywhere: LLMCache, other: list[Any]) -> None:
    model = TalkingModel()
    model.invoke([SYSTEM, HumanMessage(ASKED)])
    for _ in range(2):
        model.invoke(other)
    assert model.calls == 2


def test_models_and_their_settings_share_nothing(everywhere: LLMCache) -> None:
    one, other = TalkingModel(), TalkingModel(model_name="talking-2")
    for model in (one, other):
        model.invoke(ASKED)
        model.invoke(ASKED, temperature=0.5)
    assert (one.calls, other.calls) == (2, 2)


def test_what_is_not_stored(everywhere: LLMCache) -> None:
    call = {"name": "search", "args": {}, "id": "1"}
    for model in (
        TalkingModel(answer=AIMessage("Wait.", tool_calls=[call])),
        TalkingModel(finish="length"),
        TalkingModel(answer="I don't know."),
        TalkingModel(answer=AIMessage([{"type": "image", "url": "https://a/b.png"}])),
    ):
        for _ in range(2):
            model.invoke(ASKED)
        assert model.calls == 2


def test_a_template_is_compared_as_a_whole_unless_the_question_is_found() -> None:
    def asked(text: str) -> str | None:
        return text.rpartition("Question: ")[2] or None

    def calls(question: Any, *texts: str) -> int:
        model = TalkingModel(cache=LLMCache(make(), scope={}, question=question))
        for text in texts:
            model.invoke(text)
        return model.calls

    soup, shop = "Soup is at noon.\n\nQuestion: ", "The shop is shut.\n\nQuestion: "
    assert calls(None, soup + ASKED, soup + NEAR, soup + ASKED) == 2
    assert calls(asked, soup + ASKED, soup + NEAR, soup + ASKED) == 1
    assert calls(asked, soup + ASKED, shop + ASKED) == 2


def test_tenants_share_nothing_and_nobody_is_no_tenant() -> None:
    asker: dict[str, str | None] = {}
    cache = LLMCache(make(rules=Rules(declared=("tenant",))), scope=lambda: asker)
    model = TalkingModel(cache=cache)
    for tenant in ("acme", "bolt", "acme", None, None):
        asker["tenant"] = tenant
        model.invoke(ASKED)
    assert model.calls == 4


def test_a_stream_is_neither_looked_up_nor_kept(everywhere: LLMCache) -> None:
    model = TalkingModel()
    for _ in range(2):
        list(model.stream(ASKED))
    model.invoke(ASKED)
    model.invoke(ASKED)
    assert model.calls == 3


def test_a_model_without_messages_is_compared_word_by_word(everywhere: LLMCache) -> None:
    model = FakeListLLM(responses=["one", "two", "three"])
    assert [model.invoke(t) for t in (ASKED, ASKED, NEAR, ASKED.upper())] == [
        "one",
        "one",
        "two",
        "three",
    ]


def test_an_answer_made_before_a_clearing_is_not_kept() -> None:
    semantic = make()
    cache = LLMCache(semantic, scope={})
    assert cache.lookup(ASKED, "m") is None
    semantic.clear()
    cache.update(ASKED, "m", [Generation(text="Old.")])
    assert cache.lookup(ASKED, "m") is None


def test_what_is_served_is_the_callers_own() -> None:
    cache = LLMCache(make(), scope={})
    cache.update(ASKED, "m", [ChatGeneration(message=AIMessage("At nine."))])
    for _ in range(2):
        served = cache.lookup(ASKED, "m")
        assert isinstance(served, list)
        assert isinstance(served[0], ChatGeneration)
        assert served[0].message.content == "At nine."
        served[0].message.content = "At ten."


def test_values_that_json_does_not_give_back_are_not_kept() -> None:
    cache = LLMCache(make(), scope={})
    cache.update(ASKED, "m", [Generation(text="At nine.", generation_info={"at": object()})])
    assert cache.lookup(ASKED, "m") is None


def test_prompts_are_read_without_making_anything_of_them() -> None:
    evil = {"lc": 1, "type": "constructor", "id": ["os", "system"], "kwargs": {"content": ASKED}}
    for text in (json.dumps([evil]), "[" * 100_000, "[]", "[1]", "{}", '"a"', "null", ""):
        assert read_prompt(text).question.startswith("prompt ")
    said = dumps([SYSTEM, HumanMessage([{"type": "text", "text": ASKED}])])
    assert read_prompt(said).question == ASKED
    pictures = dumps([HumanMessage([{"type": "image", "url": "u"}])])
    assert read_prompt(pictures).question.startswith("prompt ")


def test_what_one_call_left_behind_does_not_count() -> None:
    def talk(number: int) -> str:
        metadata = {"id": f"r{number}", "model_name": "m"}
        call = {"name": "search", "args": {}, "id": "c1"}
        said = AIMessage("", id=f"m{number}", response_metadata=metadata, tool_calls=[call])
        return dumps([HumanMessage(ASKED), said, ToolMessage("Nine.", tool_call_id="c1")])

    assert read_prompt(talk(1)) == read_prompt(talk(2))


def test_roles_of_ones_own_count() -> None:
    one, other = (
        dumps([ChatMessage(content="Hi.", role=r), HumanMessage(ASKED)]) for r in ("a", "b")
    )
    assert read_prompt(one).question == read_prompt(other).question == ASKED
    assert read_prompt(one) != read_prompt(other)
