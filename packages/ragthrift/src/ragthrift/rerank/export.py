"""A cross-encoder written out for ONNX Runtime, once, so that serving needs no PyTorch."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragthrift.errors import ModelError, missing_extra
from ragthrift.rerank.onnx_scorer import FILES
from ragthrift.rerank.sentence_transformers_scorer import load_cross_encoder

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_OPSET = 18


def export_onnx(model: "str | CrossEncoder", folder: str | os.PathLike[str]) -> Path:
    """Write `model.onnx`, `model.int8.onnx` and the tokenizer into a folder for `OnnxScorer`.

    `model` is a hub name, a local folder or a loaded `CrossEncoder`; returns the folder. int8 is
    dynamic: weights of matrix products (per channel) and embeddings are quantised once, activations
    while running; the small layers of the head stay as they are. Needs the `export` extra.
    """
    cross_encoder = load_cross_encoder(model)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    cross_encoder.tokenizer.save_pretrained(target)
    _write_fp32(cross_encoder, target / FILES["fp32"])
    _write_int8(target / FILES["fp32"], target / FILES["int8"])
    return target


def _write_fp32(cross_encoder: "CrossEncoder", file: Path) -> None:
    try:
        import onnxscript  # noqa: F401 - torch.onnx names it only deep inside
        import torch
    except ImportError as error:
        missing_extra("export", "onnxscript", error)
    pairs = [("a question", "a passage"), ("another", "one that is longer")]
    inputs = dict(cross_encoder.tokenizer(pairs, padding=True, return_tensors="pt"))
    free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    with _evaluating(cross_encoder.model) as transformer:
        program = torch.onnx.export(
            _logits_only(transformer, tuple(inputs)),
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=["logits"],
            dynamic_shapes=(tuple(free for _ in inputs),),
            opset_version=_OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:  # the old exporter writes a file and returns nothing
        raise ModelError(f"PyTorch {torch.__version__} did not export; it needs 2.6 or newer")
    program.save(str(file), external_data=False)


def _logits_only(transformer: Any, names: Sequence[str]) -> Any:
    """The model with its answer unwrapped and its inputs in order: ONNX has no output classes."""
    import torch

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
            given = dict(zip(names, tensors, strict=True))
            logits: torch.Tensor = self.transformer(**given).logits
            return logits

    return Logits().eval()


@contextmanager
def _evaluating(transformer: Any) -> Iterator[Any]:
    """Dropout off, and back to what it was."""
    training = transformer.training
    try:
        yield transformer.eval()
    finally:
        transformer.train(training)


def _write_int8(fp32: Path, int8: Path) -> None:
    try:
        import onnx
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        missing_extra("export", "onnx", error)
    head = [node.name for node in onnx.load(fp32).graph.node if node.op_type == "Gemm"]
    quantize_dynamic(
        fp32,
        int8,
        op_types_to_quantize=["MatMul", "Gather"],
        # The quantiser splits a Gemm into a MatMul of that name before it looks at the names.
        nodes_to_exclude=[*head, *(f"{name}_MatMul" for name in head)],
        per_channel=True,
        weight_type=QuantType.QInt8,
    )
