"""Models of transformers, loaded and made smaller by torchao."""

import os
import warnings
from pathlib import Path
from typing import Any, Literal, get_args

from ragthrift.errors import InputError, ModelError, ModelNotFoundError, missing_extra

Quantization = Literal["int8", "int4"]
"""Weights alone: what is computed stays in floating point."""
Precision = Literal["float32", "bfloat16", "float16"]

_INT4_GROUP = 32
"""Weights that share a scale: the group of torchao's own int4 on CPUs, and of GGUF's Q4_0."""


def load_model_and_tokenizer(
    name: str | os.PathLike[str],
    quantization: Quantization | None,
    precision: Precision,
    device: str | None,
) -> tuple[Any, Any]:
    """Both, ready to be asked."""
    if quantization not in (None, *get_args(Quantization)):
        raise InputError(f"quantization={quantization!r} must be 'int8', 'int4' or None")
    if precision not in get_args(Precision):
        raise InputError(f"precision={precision!r} must be one of {list(get_args(Precision))}")
    torch, transformers = _import_transformers()
    if isinstance(name, os.PathLike) and not Path(name).is_dir():
        raise ModelNotFoundError(f"no model folder at {os.fspath(name)}")
    source = os.fspath(name)
    place = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(source)
        network = transformers.AutoModelForCausalLM.from_pretrained(
            source, dtype=getattr(torch, precision)
        )
        network = network.to(place).eval()
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"transformers could not load {source}: {error}") from error
    if quantization is not None:
        _quantize(torch, network, quantization)
    return network, tokenizer


def _quantize(torch: Any, network: Any, quantization: Quantization) -> None:
    """Replace the weights of the linear layers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of kernels for GPUs that this machine has not
            from torchao import quantization as torchao
    except ImportError as error:
        missing_extra("hugging-face", "torchao", error)
    if quantization == "int8":
        kind = torchao.Int8WeightOnlyConfig()
    else:
        # Int4WeightOnlyConfig has no kernel for CPUs; this one runs everywhere.
        group = torchao.PerGroup(_INT4_GROUP)
        kind = torchao.IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=group)
    try:
        torchao.quantize_(network, kind)
    except (RuntimeError, ValueError, AssertionError, NotImplementedError) as error:
        raise ModelError(f"torchao cannot make this model {quantization}: {error}") from error


def _import_transformers() -> tuple[Any, Any]:
    try:
        import torch
        import transformers
    except ImportError as error:
        missing_extra("hugging-face", "transformers with torch", error)
    return torch, transformers
