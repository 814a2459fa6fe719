"""Reading for evidence: which sentences answer, or help to answer, a question."""

from ragthrift.compress.evidence.reader import EvidenceReader

__all__ = ["EvidenceReader"]
