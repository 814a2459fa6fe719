"""What became of a call, on the response that came of it."""

from typing import TypeVar

from llama_index.core.base.llms.types import ChatResponse, CompletionResponse

from ragthrift.route import Routed, record_of

Marked = TypeVar("Marked", ChatResponse, CompletionResponse)

MARK = "routing"
"""The key of the record in a response's `additional_kwargs`, and in `raw` where that is a dict."""


def by_tier(response: Marked, tier: str) -> Marked:
    """A piece of a stream with the name of the tier that it came from."""
    known = {**response.additional_kwargs, MARK: {"tier": tier}}
    return response.model_copy(update={"additional_kwargs": known})


def with_record(response: Marked, routed: Routed) -> Marked:
    """The response with the whole record; a provider's own object in `raw` stays as it is."""
    record = {MARK: record_of(routed)}
    update: dict[str, object] = {"additional_kwargs": {**response.additional_kwargs, **record}}
    if response.raw is None or isinstance(response.raw, dict):
        update["raw"] = {**(response.raw or {}), **record}
    return response.model_copy(update=update)


def tier_of(response: ChatResponse) -> str | None:
    """The tier that a response came from; `None` if it is not a router's."""
    record = response.additional_kwargs.get(MARK)
    tier = record.get("tier") if isinstance(record, dict) else None
    return tier if isinstance(tier, str) else None
