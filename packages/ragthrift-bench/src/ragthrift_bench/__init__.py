"""Dollars saved beside answer quality, measured on your own questions."""

from ragthrift_bench.cases import Case

__all__ = ["Case"]
