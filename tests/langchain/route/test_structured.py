"""Objects from a router."""

from typing import Any

import pytest
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.messages import AIMessage
from pydantic import BaseModel

from ragthrift import Usage
from ragthrift.route import Routed
from tests.langchain.route.fakes import EASY, pair, routed_by

both = pytest.mark.parametrize("how", ["sync", "async"])


class Opening(BaseModel):
    """When the canteen opens."""

    hour: int
    day: str


async def ask(chat: Any, how: str, **config: Any) -> Any:
    return await chat.ainvoke(EASY, config) if how == "async" else chat.invoke(EASY, config)


async def parts(chat: Any, how: str, **config: Any) -> list[Any]:
    if how == "async":
        return [part async for part in chat.astream(EASY, config)]
    return list(chat.stream(EASY, config))


def wrong(**arguments: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": "Opening", "args": arguments, "id": "1"}])


@both
async def test_an_object_of_the_chosen_tier(how: str) -> None:
    models, spent = pair(), UsageMetadataCallbackHandler()
    ledger: list[Routed] = []
    chat = routed_by(models, on_run=ledger.append).with_structured_output(Opening)
    assert await ask(chat, how, callbacks=[spent]) == Opening(hour=3, day="some text")
    assert spent.usage_metadata["small"]["total_tokens"] == 12
    assert ledger[0].usage == Usage(10, 2)


@both
async def test_the_message_comes_along(how: str) -> None:
    chat = routed_by(pair()).with_structured_output(Opening, include_raw=True)
    told = await ask(chat, how)
    assert told["parsed"].hour == 3
    assert told["raw"].response_metadata["routing"]["tier"] == "cheap"
    assert told["parsing_error"] is None


@both
async def test_what_does_not_fit_is_mended(how: str) -> None:
    ledger: list[Routed] = []
    models = pair(cheap=[wrong(hour="nine"), wrong(hour=9, day="today")])
    chat = routed_by(models, on_run=ledger.append).with_structured_output(Opening)
    assert await ask(chat, how) == Opening(hour=9, day="today")
    assert [one.purpose for one in ledger[0].attempts] == ["answer", "repair"]


@both
async def test_what_still_does_not_fit_goes_up(how: str) -> None:
    models = pair(cheap=wrong(hour="nine"))
    chat = routed_by(models).with_structured_output(Opening)
    assert (await ask(chat, how)).hour == 3
    assert (models["cheap"].calls, models["strong"].calls) == (2, 1)


@both
async def test_what_nobody_can_read_is_an_error(how: str) -> None:
    chat = routed_by(pair(cheap=wrong(hour="nine"), strong=wrong(hour="ten")))
    with pytest.raises(ValueError, match="hour"):
        await ask(chat.with_structured_output(Opening), how)
    told = await ask(chat.with_structured_output(Opening, include_raw=True), how)
    assert told["parsing_error"] is not None


@both
@pytest.mark.parametrize("schema", [Opening, Opening.model_json_schema()])
async def test_a_stream_of_objects(how: str, schema: Any) -> None:
    ledger: list[Routed] = []
    chat = routed_by(pair(), on_run=ledger.append).with_structured_output(schema)
    last = (await parts(chat, how))[-1]
    assert (last if isinstance(last, dict) else last.model_dump()) == {
        "hour": 3,
        "day": "some text",
    }
    assert ledger[0].usage == Usage(10, 2)


@both
async def test_fallbacks_keep_the_schema(how: str) -> None:
    down = routed_by(pair(cheap=[ConnectionError("a")], strong=[ConnectionError("b")]))
    chat: Any = down.with_fallbacks([routed_by(pair())])
    assert (await ask(chat.with_structured_output(Opening), how)).hour == 3


async def test_options_are_for_the_model() -> None:
    chat = routed_by(pair())
    with pytest.raises(ValueError, match="unsupported arguments"):
        chat.with_structured_output(Opening, colour="red").invoke(EASY)
    assert chat.with_structured_output(Opening, method="json_schema").invoke(EASY).hour == 3
