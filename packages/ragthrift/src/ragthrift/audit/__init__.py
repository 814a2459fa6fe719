"""Where a ledger's money goes, and which lever pays first."""

from ragthrift.audit.projection import Plan, Projection, Span, Step
from ragthrift.audit.report import Audit, audit

__all__ = ["Audit", "Plan", "Projection", "Span", "Step", "audit"]
