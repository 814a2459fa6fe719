"""Calls out of the traces and logs of other tools."""

from ragthrift.ledger.imports.reading import FORMS, CallReader, read_calls

__all__ = ["FORMS", "CallReader", "read_calls"]
