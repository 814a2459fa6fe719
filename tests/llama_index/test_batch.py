from collections.abc import Iterator
from pathlib import Path

import pytest
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.bridge.pydantic import BaseModel
from llama_index.core.prompts import ChatPromptTemplate
from llama_index.core.tools import FunctionTool

from llama_index_ragthrift import BatchChat
from ragthrift import InputError
from ragthrift.batch import BatchRunner
from tests.batch.anthropic_api import AnthropicApi
from tests.batch.asking import runner_for
from tests.batch.loopback import Loopback
from tests.batch.openai_api import OpenAIApi

TEMPLATE = ChatPromptTemplate.from_messages([("system", "You are a waiter."), ("user", "{dish}?")])


class Answer(BaseModel):
    """An answer."""

    answer: str
    default: str | None = None


class Price(BaseModel):
    """What the answers of the test's server do not hold."""

    euros: float


@pytest.fixture(params=[OpenAIApi, AnthropicApi], ids=["openai", "anthropic"])
def server(request: pytest.FixtureRequest) -> Iterator[Loopback]:
    made = Loopback(request.param())
    yield made
    made.close()


@pytest.fixture
def runner(server: Loopback, tmp_path: Path) -> Iterator[BatchRunner]:
    with runner_for(server, tmp_path) as made:
        yield made


def test_conversations_become_responses(runner: BatchRunner) -> None:
    chat = BatchChat(runner=runner, max_tokens=60)
    job = chat.submit([TEMPLATE.format_messages(dish=dish) for dish in ("soup", "bread")])
    assert job.wait(20).done
    responses = job.results()
    assert all(isinstance(response, ChatResponse) for response in responses.values())
    said = {name: response.message.content for name, response in responses.items()}
    assert said == {"0": "About soup?", "1": "About bread?"}
    raw = responses["0"].raw
    assert isinstance(raw, dict)
    assert raw["usage"]["prompt_tokens"] == 1000
    assert job.errors() == {}
    assert chat.job(job.id).results().keys() == said.keys()
    with pytest.raises(InputError, match="takes a list"):
        chat.submit("soup?")


def test_structured_output(runner: BatchRunner) -> None:
    job = BatchChat(runner=runner).as_structured(Answer).submit({"a": "soup?"})
    job.wait(20)
    assert job.parsed() == {"a": Answer(answer="About soup?")}
    wrong = BatchChat(runner=runner).as_structured(Price).submit(["soup?"])
    wrong.wait(20)
    assert (wrong.parsed(), "does not fit Price" in wrong.errors()["0"]) == ({}, True)
    with pytest.raises(InputError, match="no class"):
        BatchChat(runner=runner).job(job.id).parsed()


def test_the_schema_is_closed_and_strict(server: Loopback, runner: BatchRunner) -> None:
    BatchChat(runner=runner).as_structured(Answer).submit(["soup?"]).wait(20)
    api = server.api
    if isinstance(api, AnthropicApi):
        (request,) = api.requests["msgbatch_0000"]
        form = request["params"]["output_config"]["format"]
    else:
        assert isinstance(api, OpenAIApi)
        (request,) = api._requests(api.batches["batch_0000"])
        form = request["body"]["response_format"]["json_schema"]
        assert form["strict"] is True
    assert form["schema"]["additionalProperties"] is False
    assert form["schema"]["required"] == ["answer", "default"]
    assert set(form["schema"]["properties"]) == {"answer", "default"}


def test_tools(runner: BatchRunner) -> None:
    def menu(day: int) -> str:
        """Dishes of a day."""
        return "soup"

    chat = BatchChat(runner=runner).with_tools([FunctionTool.from_defaults(menu)])
    job = chat.submit([[ChatMessage("Today?")]])
    job.wait(20)
    calls = [
        block for block in job.results()["0"].message.blocks if block.block_type == "tool_call"
    ]
    assert [block.tool_name for block in calls] == ["menu"]
