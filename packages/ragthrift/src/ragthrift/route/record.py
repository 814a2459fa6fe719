"""What became of a call, as adapters put it beside the answer."""

from typing import Any

from ragthrift.route.call import AttemptRecord, Routed


def record_of(routed: Routed) -> dict[str, Any]:
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


def _line(attempt: AttemptRecord) -> dict[str, Any]:
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
