"""Questions with passages and right answers: published sets, and your own."""

from ragthrift_bench.sets.named import load

__all__ = ["load"]
