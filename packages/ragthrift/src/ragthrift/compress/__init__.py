"""Shorten retrieved passages to what the question needs, in their own words."""

from ragthrift.compress.compressor import UnitCompressor
from ragthrift.compress.embedding_reader import EmbeddingReader
from ragthrift.compress.evidence import EvidenceReader
from ragthrift.compress.extractive import ExtractiveCompressor, ExtractiveWeights
from ragthrift.compress.limits import Limits
from ragthrift.compress.llmlingua import LLMLinguaCompressor
from ragthrift.compress.prefix import CachedPrefix
from ragthrift.compress.pruner import ReadingRanker, SentencePruner
from ragthrift.compress.reading import PassageReader, Reading
from ragthrift.compress.report import Compression, DroppedUnit, Kept
from ragthrift.compress.units import Unit, units

__all__ = [
    "CachedPrefix",
    "Compression",
    "DroppedUnit",
    "EmbeddingReader",
    "EvidenceReader",
    "ExtractiveCompressor",
    "ExtractiveWeights",
    "Kept",
    "LLMLinguaCompressor",
    "Limits",
    "PassageReader",
    "Reading",
    "ReadingRanker",
    "SentencePruner",
    "Unit",
    "UnitCompressor",
    "units",
]
