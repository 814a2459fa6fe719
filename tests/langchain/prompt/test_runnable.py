"""Chains whose prompts can be cached."""

from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableLambda

from langchain_ragthrift import canonical_documents, prompt_caching
from langchain_ragthrift.prompt import rules_of
from ragthrift.prompt import Traffic, assert_stable
from ragthrift.provider_cache import rules_for
from tests.langchain.prompt.provider_server import provider

RULES = "You are the waiter of a canteen. " * 300
PROMPT = ChatPromptTemplate([("system", RULES), ("user", "{documents}\n\n{question}")])
ASKED = {"documents": "Soup at noon.", "question": "Is there soup?"}


class Hearing(FakeListChatModel):
    """Keeps what it hears."""

    heard: list[Any] = []  # noqa: RUF012 - a field of pydantic

    def _call(self, messages: Any, *args: Any, **kwargs: Any) -> str:
        self.heard.append((messages, kwargs))
        return super()._call(messages, *args, **kwargs)


async def test_a_chain_marks_streams_and_awaits() -> None:
    model = Hearing(responses=["At noon."], heard=[])
    rules = rules_for("claude-sonnet-4-5")
    chain = PROMPT | prompt_caching(model, rules=rules) | StrOutputParser()
    assert chain.invoke(ASKED) == "At noon."
    assert await chain.ainvoke(ASKED) == "At noon."
    assert "".join(chain.stream(ASKED)) == "At noon."
    assert len(list(chain.stream(ASKED))) > 1
    assert_stable([messages for messages, _ in model.heard])
    for messages, _ in model.heard:
        assert messages[0].content[0]["cache_control"] == {"type": "ephemeral"}
        assert messages[1].content == "Soup at noon.\n\nIs there soup?"


def test_examples_are_stable_too() -> None:
    model = Hearing(responses=["At noon."], heard=[])
    told = prompt_caching(model, rules=rules_for("claude-sonnet-4-5"), stable=3)
    said = [
        SystemMessage(RULES),
        HumanMessage("Tea?"),
        AIMessage("At four."),
        HumanMessage("Soup?"),
    ]
    told.invoke(said)
    [(messages, _)] = model.heard
    assert [isinstance(one.content, list) for one in messages] == [False, False, True, False]
    assert said[2].content == "At four."


def test_a_conversation_that_goes_on() -> None:
    model = Hearing(responses=["At noon."], heard=[])
    rules = rules_for("claude-sonnet-4-5")
    prompt_caching(model, rules=rules, session=Traffic.every(30)).invoke([HumanMessage(RULES)])
    prompt_caching(model, rules=rules).invoke(RULES)
    assert "cache_control" in str(model.heard[0])
    assert "cache_control" not in str(model.heard[1])


def test_the_request_at_the_provider() -> None:
    openai = pytest.importorskip("langchain_openai", reason="langchain-openai is missing")
    anthropic = pytest.importorskip("langchain_anthropic", reason="langchain-anthropic is missing")
    with provider() as (address, asked):
        gpt = openai.ChatOpenAI(
            model="gpt-6.1-terra",
            base_url=f"{address}/v1",
            api_key="k",
            use_responses_api=False,
        )
        claude = anthropic.ChatAnthropic(model="claude-sonnet-5-5", base_url=address, api_key="k")
        for model in (gpt, claude):
            chain = PROMPT | prompt_caching(model, key="faq")
            assert chain.invoke(ASKED).content == "At noon."
    first, second = asked
    assert first["prompt_cache_key"] == "faq"
    assert first["prompt_cache_options"]["mode"] == "explicit"
    assert "prompt_cache_breakpoint" in first["messages"][0]["content"][0]
    assert second["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert "prompt_cache" not in str(second)
    assert rules_of(gpt.bind(stop=["x"])).name == "gpt-6.1-terra"


def test_documents_in_a_chain() -> None:
    found = [Document(name, id=name) for name in ("best", "rules", "good")]
    retriever: Runnable[str, list[Document]] = RunnableLambda(lambda question: found)
    chain = retriever | canonical_documents(["rules"])
    assert [one.id for one in chain.invoke("?")] == ["rules", "good", "best"]
    assert [one.id for one in found] == ["best", "rules", "good"]


def test_what_fails_is_passed_on() -> None:
    model = Hearing(responses=["At noon."], heard=[])
    told = prompt_caching(model, rules=rules_for("claude-sonnet-4-5"), stable=-7)
    assert told.invoke([HumanMessage("Soup?")]).content == "At noon."
