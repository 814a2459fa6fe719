"""Output budgets and structured answers for LangChain."""

from langchain_ragthrift.output.budgeted import BudgetedModel
from langchain_ragthrift.output.structured import structured

__all__ = ["BudgetedModel", "structured"]
