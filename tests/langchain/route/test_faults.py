"""Many calls, one in five failing: each is answered or fails with its own error; all is billed."""

import asyncio
import random
import threading
from typing import Any

import pytest
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.messages import BaseMessage

from ragthrift import Usage
from ragthrift.route import Recovery, Routed
from tests.langchain.route.fakes import PRICES, LimitError, Speaker, routed_by

CALLS, FAILING = 300, 0.2
FAULTS = (LimitError("slow down"), TimeoutError("too slow"), ConnectionError("gone"))


class Shaky(Speaker):
    """Fails one call in five, also in the middle of a stream."""

    def _message(self, messages: list[BaseMessage], kwargs: dict[str, Any]) -> Any:
        message = super()._message(messages, kwargs)
        with DICE_LOCK:
            fails = DICE.random() < FAILING
            fault = DICE.choice(FAULTS)
        if fails:
            raise type(fault)(*fault.args)
        return message

    def _chunks(self, messages: list[BaseMessage], kwargs: dict[str, Any]) -> Any:
        with DICE_LOCK:
            cut = DICE.random() < FAILING
        for place, chunk in enumerate(super()._chunks(messages, kwargs)):
            if cut and place == 2:
                raise ConnectionError("the line broke")
            yield chunk


DICE, DICE_LOCK = random.Random(7), threading.Lock()


async def test_every_call_is_answered_or_fails_and_is_billed() -> None:
    ledger: list[Routed] = []
    models = {
        "cheap": Shaky(name_of_model="small", says="Nine, cheaply."),
        "strong": Shaky(name_of_model="large", says="Nine, strongly."),
    }
    chat = routed_by(models, on_run=ledger.append, recovery=Recovery(open_after=1000))
    spent = UsageMetadataCallbackHandler()
    config: Any = {"callbacks": [spent]}

    async def ask(number: int) -> str:
        asked = f"What is {number}?"
        try:
            if number % 3 == 0:
                return "".join([str(c.text) async for c in chat.astream(asked, config)])
            if number % 3 == 1:
                return str((await chat.ainvoke(asked, config)).text)
            return str((await asyncio.to_thread(chat.invoke, asked, config)).text)
        except (LimitError, TimeoutError, ConnectionError) as error:
            return type(error).__name__

    told: list[str] = []
    for begin in range(0, CALLS, 50):
        told += await asyncio.gather(*(ask(number) for number in range(begin, begin + 50)))
    answers = {"Nine, cheaply.", "Nine, strongly."}
    failed = [one for one in told if one not in answers]
    assert len(told) == len(ledger) == CALLS
    assert set(failed) <= {"LimitError", "TimeoutError", "ConnectionError"}
    assert len(failed) == sum(one.error is not None for one in ledger)
    attempts = [attempt for one in ledger for attempt in one.attempts]
    assert len(attempts) == models["cheap"].calls + models["strong"].calls
    answered = sum((a.usage or Usage() for a in attempts if a.error is None), Usage())
    counted = sum(one["total_tokens"] for one in spent.usage_metadata.values())
    assert answered.total_tokens == counted
    known = sum(a.dollars for a in attempts if a.dollars is not None)
    by_hand = sum(PRICES[a.tier].dollars(a.usage) for a in attempts if a.usage is not None)
    assert known == pytest.approx(by_hand)
