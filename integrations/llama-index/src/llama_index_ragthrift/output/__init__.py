"""Output budgets and structured answers for LlamaIndex."""

from llama_index_ragthrift.output.budgeted import BudgetedLLM
from llama_index_ragthrift.output.program import RepairingOutputParser, StructuredProgram

__all__ = ["BudgetedLLM", "RepairingOutputParser", "StructuredProgram"]
