"""One record for each model call: what it used, where its tokens came from, what it cost."""

from ragthrift.ledger.call import (
    UNTAGGED,
    Call,
    Kind,
    Processing,
    Segment,
    digest,
    prefix_digests,
)
from ragthrift.ledger.imports import CallReader, read_calls
from ragthrift.ledger.jsonl_ledger import JsonlLedger
from ragthrift.ledger.near_duplicates import near_duplicates
from ragthrift.ledger.observed import Observed
from ragthrift.ledger.otel import MeteredLedger, to_otel
from ragthrift.ledger.own_prices import OwnPrice
from ragthrift.ledger.pricing import Prices
from ragthrift.ledger.prometheus import prometheus_text
from ragthrift.ledger.prompt_parts import Prompt, prompt_parts
from ragthrift.ledger.rates import Parts
from ragthrift.ledger.reading_usage import BilledTokens, read_langchain_usage, read_usage
from ragthrift.ledger.recorder import Recorder
from ragthrift.ledger.signature import near, signature
from ragthrift.ledger.sqlite_ledger import SqliteLedger
from ragthrift.ledger.stores import Ledger, open_ledger

__all__ = [
    "UNTAGGED",
    "BilledTokens",
    "Call",
    "CallReader",
    "JsonlLedger",
    "Kind",
    "Ledger",
    "MeteredLedger",
    "Observed",
    "OwnPrice",
    "Parts",
    "Prices",
    "Processing",
    "Prompt",
    "Recorder",
    "Segment",
    "SqliteLedger",
    "digest",
    "near",
    "near_duplicates",
    "open_ledger",
    "prefix_digests",
    "prometheus_text",
    "prompt_parts",
    "read_calls",
    "read_langchain_usage",
    "read_usage",
    "signature",
    "to_otel",
]
