"""The models that answer: embedded, on an endpoint, a framework's, or recorded."""

from ragthrift_bench.models.named import load

__all__ = ["load"]
