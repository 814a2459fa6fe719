"""Order retrieved passages by relevance and keep the few that matter."""

from ragthrift.rerank.cross_encoder import CrossEncoderReranker
from ragthrift.rerank.export import export_onnx
from ragthrift.rerank.hybrid import HybridReranker
from ragthrift.rerank.keep import Dropped, Keep, Ranking
from ragthrift.rerank.late import LateInteractionReranker
from ragthrift.rerank.onnx_scorer import OnnxScorer
from ragthrift.rerank.reranker import ScoringReranker
from ragthrift.rerank.scorers import LangChainScorer
from ragthrift.rerank.sentence_transformers_scorer import SentenceTransformersScorer

__all__ = [
    "CrossEncoderReranker",
    "Dropped",
    "HybridReranker",
    "Keep",
    "LangChainScorer",
    "LateInteractionReranker",
    "OnnxScorer",
    "Ranking",
    "ScoringReranker",
    "SentenceTransformersScorer",
    "export_onnx",
]
