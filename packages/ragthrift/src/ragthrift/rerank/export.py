"""A cross-encoder written out for ONNX Runtime, once, so that serving needs no PyTorch."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_INPUTS = ["input_ids", "attention_mask", "token_type_ids"]
_OPSET = 18


def export_onnx(model: "str | CrossEncoder", folder: str | os.PathLike[str]) -> Path:
    """Write `model.onnx`, `model.int8.onnx` and the tokenizer into a folder for `OnnxScorer`.

    `model` is a hub name, a local folder or a loaded `CrossEncoder`. int8 is dynamic: weights of
    matrix products are quantised per channel, activations while running. Needs the `export` extra.
    """
    raise NotImplementedError
