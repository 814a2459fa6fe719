from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_socket
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from pydantic import BaseModel

from langchain_ragthrift import BatchChat
from ragthrift import InputError
from ragthrift.batch import BatchRunner
from ragthrift.ledger.sqlite_ledger import SqliteLedger
from tests.batch.anthropic_api import AnthropicApi
from tests.batch.asking import runner_for
from tests.batch.loopback import Loopback
from tests.batch.openai_api import OpenAIApi

PROMPT = ChatPromptTemplate.from_messages([("system", "You are a waiter."), ("user", "{dish}?")])


class Answer(BaseModel):
    """An answer."""

    answer: str
    note: str | None = None


class Price(BaseModel):
    """What the answers of the test's server do not hold."""

    euros: float


@pytest.fixture(params=[OpenAIApi, AnthropicApi], ids=["openai", "anthropic"])
def server(request: pytest.FixtureRequest) -> Iterator[Loopback]:
    pytest_socket.enable_socket()  # for the loopback interface
    made = Loopback(request.param())
    yield made
    made.close()


@pytest.fixture
def runner(server: Loopback, tmp_path: Path) -> Iterator[BatchRunner]:
    with runner_for(server, tmp_path) as made:
        yield made


def test_a_chains_prompts_become_messages(server: Loopback, runner: BatchRunner) -> None:
    chat = BatchChat(runner=runner, max_tokens=60, request_type="menu")
    with SqliteLedger() as ledger:
        runner.ledger = ledger
        job = chat.submit(PROMPT.batch([{"dish": "soup"}, {"dish": "bread"}]))
        assert job.wait(20).done
        assert {call.request_type for call in ledger.calls()} == {"menu"}
    messages = job.results()
    assert list(messages) == ["0", "1"]
    assert all(isinstance(message, AIMessage) for message in messages.values())
    assert StrOutputParser().batch(list(messages.values())) == ["About soup?", "About bread?"]
    usage = messages["0"].usage_metadata
    assert usage is not None
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (
        1000,
        50,
        1050,
    )
    assert usage["input_token_details"]["cache_read"] in (300, 400)
    assert messages["0"].response_metadata["model_provider"] == runner.provider.name
    assert messages["0"].response_metadata["id"] == "0"
    assert job.errors() == {}


def test_all_forms_of_a_prompt_are_taken(runner: BatchRunner) -> None:
    chat = BatchChat(runner=runner)
    job = chat.submit({"text": "a", "messages": [HumanMessage("b")], "pairs": [("user", "c")]})
    job.wait(20)
    said = {name: message.content for name, message in job.results().items()}
    assert said == {"text": "About a", "messages": "About b", "pairs": "About c"}
    assert chat.job(job.id).results().keys() == said.keys()
    with pytest.raises(InputError, match="takes a list"):
        chat.submit("soup?")


def test_structured_output(server: Loopback, runner: BatchRunner) -> None:
    chat = BatchChat(runner=runner).with_structured_output(Answer)
    job = chat.submit({"a": "soup?", "b": "bread?"})
    job.wait(20)
    assert job.parsed() == {"a": Answer(answer="About soup?"), "b": Answer(answer="About bread?")}
    wrong = BatchChat(runner=runner).with_structured_output(Price).submit(["soup?"])
    wrong.wait(20)
    assert wrong.parsed() == {}
    assert "does not fit the schema" in wrong.errors()["0"]
    with pytest.raises(InputError, match="no schema"):
        BatchChat(runner=runner).job(job.id).parsed()


def test_tools(runner: BatchRunner) -> None:
    @tool
    def menu(day: int) -> str:
        """Dishes of a day."""
        return "soup"

    job = BatchChat(runner=runner).bind_tools([menu], tool_choice="any").submit(["Today?"])
    job.wait(20)
    message = job.results()["0"]
    assert [call["args"] for call in message.tool_calls] == [{"day": 1}]
    again = BatchChat(runner=runner).submit(
        [[HumanMessage("Today?"), message, menu.invoke(message.tool_calls[0]), HumanMessage("So?")]]
    )
    again.wait(20)
    assert again.results()["0"].content == "About So?"


def test_errors_are_kept_by_id(server: Loopback, runner: BatchRunner) -> None:
    api = server.api
    assert isinstance(api, OpenAIApi | AnthropicApi)
    api.plans["b"] = ["400" if isinstance(api, OpenAIApi) else "invalid_request_error"]
    job = BatchChat(runner=runner).submit(["a", "b"])
    assert job.wait(20).done
    assert list(job.results()) == ["0"]
    assert "scripted" in job.errors()["1"]
