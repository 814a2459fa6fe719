"""The user's own application, as it is: a chain, a query engine, an agent or a function."""

from ragthrift_bench.pipelines.named import application

__all__ = ["application"]
