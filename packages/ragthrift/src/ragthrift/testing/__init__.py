"""Fakes to test an application with, and contracts to test a part of your own with.

A contract is a class of tests, one for each protocol. Subclass it, say in `make` how your part is
made, and pytest shows which promise it breaks. Needs nothing but numpy.
"""

from ragthrift.testing.cache_contract import CacheContract
from ragthrift.testing.compressor_contract import CompressorContract
from ragthrift.testing.embedder_contract import EmbedderContract
from ragthrift.testing.fakes import (
    DictCache,
    FailingStep,
    FakeEmbedder,
    KeepFirstSentence,
    LastTurnsMemory,
    QuestionLengthRouter,
    WordOverlapReranker,
)
from ragthrift.testing.llm_contract import LLMContract
from ragthrift.testing.memory_contract import MemoryContract
from ragthrift.testing.reranker_contract import RerankerContract
from ragthrift.testing.router_contract import RouterContract
from ragthrift.testing.scripted_llm import ScriptedLLM
from ragthrift.testing.token_counter_contract import TokenCounterContract

__all__ = [
    "CacheContract",
    "CompressorContract",
    "DictCache",
    "EmbedderContract",
    "FailingStep",
    "FakeEmbedder",
    "KeepFirstSentence",
    "LLMContract",
    "LastTurnsMemory",
    "MemoryContract",
    "QuestionLengthRouter",
    "RerankerContract",
    "RouterContract",
    "ScriptedLLM",
    "TokenCounterContract",
    "WordOverlapReranker",
]
