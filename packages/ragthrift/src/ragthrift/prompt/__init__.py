"""Prompts that providers' caches can serve: their layout, their breakpoints, and a linter."""

from ragthrift.prompt.divergence import Finding
from ragthrift.prompt.layout import PromptLayout, plain_document
from ragthrift.prompt.ledger_linting import Instability, lint_calls
from ragthrift.prompt.linting import assert_stable, lint
from ragthrift.prompt.marking import to_request
from ragthrift.prompt.parts import (
    Piece,
    Prompt,
    PromptParts,
    canonical_json,
    canonical_tools,
    sorted_keys,
)
from ragthrift.prompt.planning import CachePlan, Stretch, plan_breakpoints
from ragthrift.prompt.traffic import Traffic

__all__ = [
    "CachePlan",
    "Finding",
    "Instability",
    "Piece",
    "Prompt",
    "PromptLayout",
    "PromptParts",
    "Stretch",
    "Traffic",
    "assert_stable",
    "canonical_json",
    "canonical_tools",
    "lint",
    "lint_calls",
    "plain_document",
    "plan_breakpoints",
    "sorted_keys",
    "to_request",
]
