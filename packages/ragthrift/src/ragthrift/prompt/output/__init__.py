"""Answers of the length and the shape that is needed, without paying for them twice."""

from ragthrift.prompt.output.allowance import Allowance, instruction
from ragthrift.prompt.output.asking import Asking, Outcome, Plan
from ragthrift.prompt.output.budget import OutputBudget
from ragthrift.prompt.output.budgeted import BudgetedLLM, with_instruction
from ragthrift.prompt.output.reading import How, Reading, read
from ragthrift.prompt.output.repair import Repair, StructuredAnswer, StructuredOutputError
from ragthrift.prompt.output.schema import Misfit, Schema
from ragthrift.prompt.output.structured import StructuredLLM, with_schema
from ragthrift.prompt.output.trial import Estimate, OutputSaving

__all__ = [
    "Allowance",
    "Asking",
    "BudgetedLLM",
    "Estimate",
    "How",
    "Misfit",
    "Outcome",
    "OutputBudget",
    "OutputSaving",
    "Plan",
    "Reading",
    "Repair",
    "Schema",
    "StructuredAnswer",
    "StructuredLLM",
    "StructuredOutputError",
    "instruction",
    "read",
    "with_instruction",
    "with_schema",
]
