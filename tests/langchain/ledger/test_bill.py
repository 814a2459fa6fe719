"""Two hundred calls of three providers: the ledger's dollars are those on the bill."""

from decimal import Decimal
from typing import Any

from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import UsageMetadataCallbackHandler

from langchain_ragthrift import audit
from ragthrift.ledger import OwnPrice, Prices
from tests.langchain.ledger.billing import ANTHROPIC, FLEX, GEMINI, OPENAI, BillingModel, Kept

TOLD = {key: value for key, value in ANTHROPIC["told"].items() if key != "usage"}
WRITES = {**ANTHROPIC, "told": TOLD}
HALF = OwnPrice(input=0.125, output=1, cache_read=0.0125)
PRICES = Prices(
    {
        OPENAI["model"]: OwnPrice(
            input=0.25, output=2, cache_read=0.025, processing={"flex": HALF}
        ),
        ANTHROPIC["model"]: OwnPrice(
            input=3, output=15, cache_read=0.3, cache_write=3.75, cache_write_1h=6
        ),
        GEMINI["model"]: OwnPrice(input=0.3, output=2.5, cache_read=0.03),
    }
)
"""Dollars per million tokens, as published in November 2026."""
MILLIONTHS = {
    "openai": Decimal("0.25") * 176 + Decimal("0.025") * 1024 + 2 * 340,
    "flex": Decimal("0.125") * 176 + Decimal("0.0125") * 1024 + 340,
    "anthropic": 3 * 50 + Decimal("0.3") * 3000 + Decimal("3.75") * 500 + 6 * 1500 + 15 * 80,
    "gemini": Decimal("0.3") * 300 + Decimal("0.03") * 600 + Decimal("2.5") * 210,
}


def test_two_hundred_calls() -> None:
    kept, stock = Kept(), UsageMetadataCallbackHandler()
    billed: dict[str, Any] = {
        "openai": OPENAI, "flex": FLEX, "anthropic": WRITES, "gemini": GEMINI
    }  # fmt: skip
    with audit(kept):
        for name, how in billed.items():
            model = BillingModel(billed=how, cache=InMemoryCache())
            for number in range(50):  # ten of them are asked again
                question = f"When is soup on day {number % 40}?"
                config: Any = {"metadata": {"request_type": name}, "callbacks": [stock]}
                model.invoke(question, config)
    assert len(kept.calls) == 200
    for name, millionths in MILLIONTHS.items():
        calls = [call for call in kept.calls if call.request_type == name]
        dollars = [PRICES.dollars(call) for call in calls]
        assert sum(one for one in dollars if one is not None) == 40 * millionths / 1_000_000
        assert dollars.count(Decimal(0)) == 10
    theirs: Any = stock.usage_metadata
    assert theirs[ANTHROPIC["model"]]["input_tokens"] == 50 * 5050  # hits are told as calls
    assert theirs[ANTHROPIC["model"]]["input_token_details"]["cache_creation"] == 0
    assert theirs[OPENAI["model"]]["input_token_details"]["cache_read"] == 50 * 1024  # flex's lost
