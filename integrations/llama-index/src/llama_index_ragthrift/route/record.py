"""What became of a call, on the response that came of it."""

from typing import TypeVar

from llama_index.core.base.llms.types import ChatResponse, CompletionResponse

from ragthrift.route import AttemptRecord, Routed

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


def record_of(routed: Routed) -> dict[str, object]:
    """As JSON takes it; dollars are `None` while a part of them is unknown."""
    return {
        "tier": routed.tier.name if routed.tier else None,
        "model": routed.tier.model if routed.tier else None,
        "reason": routed.decision.reason,
        "kind": routed.decision.kind,
        "action": routed.action,
        "findings": [f"{finding.check}: {finding.detail}" for finding in routed.findings],
        "attempts": [_line(attempt) for attempt in routed.attempts],
        "dollars": routed.dollars,
        "saved_dollars": routed.savings.saved if routed.savings else None,
        "id": routed.id,
    }


def _line(attempt: AttemptRecord) -> dict[str, object]:
    usage = attempt.usage
    return {
        "tier": attempt.tier,
        "model": attempt.model,
        "purpose": attempt.purpose,
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "estimated": attempt.estimated,
        "dollars": attempt.dollars,
        "seconds": attempt.seconds,
        "error": attempt.error,
        "findings": list(attempt.findings),
    }
