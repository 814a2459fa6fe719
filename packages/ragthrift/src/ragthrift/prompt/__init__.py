"""Prompts that providers' caches can serve: their layout, their breakpoints, and a linter."""

from ragthrift.prompt.layout import PromptLayout, plain_document
from ragthrift.prompt.parts import Piece, Prompt, PromptParts, canonical_json, sorted_keys
from ragthrift.prompt.planning import CachePlan, Stretch, plan_breakpoints
from ragthrift.prompt.traffic import Traffic

__all__ = [
    "CachePlan",
    "Piece",
    "Prompt",
    "PromptLayout",
    "PromptParts",
    "Stretch",
    "Traffic",
    "canonical_json",
    "plain_document",
    "plan_breakpoints",
    "sorted_keys",
]
