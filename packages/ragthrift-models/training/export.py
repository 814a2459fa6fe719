"""The trained head for ONNX Runtime: `python -m training.export --out DIR`.

Writes `model/keep.onnx` (fp32: 1.5 MB, int8 would save nothing worth an error), `model/fusion.json`
and `model/manifest.json` with sizes and SHA-256.
"""

import argparse
import json
import shutil
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor, nn

from training.head import STATES, KeepHead

OPSET = 18
VERSION = "1"


class OneQuestion(nn.Module):
    """The head as it is used: one question, many windows, logits out."""

    def __init__(self, head: KeepHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, question: Tensor, passages: Tensor, mask: Tensor) -> Tensor:
        """(n, 384), (b, t, 384) and (b, t) to (b, t)."""
        many = passages.shape[0]
        asked = question.unsqueeze(0).expand(many, -1, -1)
        ones = torch.ones_like(asked[..., 0])
        logits: Tensor = self.head(asked, ones, passages, mask)
        return logits


def export_head(head: KeepHead, path: Path) -> None:
    """Write the graph with free sizes."""
    free = torch.export.Dim.DYNAMIC
    program = torch.onnx.export(
        OneQuestion(head).eval(),
        (torch.randn(7, STATES), torch.randn(3, 20, STATES), torch.ones(3, 20)),
        input_names=["question", "passages", "mask"],
        output_names=["keep"],
        dynamic_shapes=({0: free}, {0: free, 1: free}, {0: free, 1: free}),
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise RuntimeError(f"PyTorch {torch.__version__} did not export; it needs 2.6 or newer")
    program.save(str(path), external_data=False)


def manifest(folder: Path) -> dict[str, object]:
    """Size and SHA-256 of every file."""
    files = sorted(path for path in folder.iterdir() if path.name != "manifest.json")
    return {
        "version": VERSION,
        "files": {
            path.name: {"bytes": path.stat().st_size, "sha256": _digest(path)} for path in files
        },
    }


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def main() -> None:
    """Run the command."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path, required=True)
    chosen = arguments.parse_args()
    folder = chosen.out / "model"
    folder.mkdir(exist_ok=True)
    head = KeepHead()
    head.load_state_dict(torch.load(chosen.out / "head.pt"))
    export_head(head.eval(), folder / "keep.onnx")
    shutil.copy(chosen.out / "fusion.json", folder / "fusion.json")
    (folder / "manifest.json").write_text(json.dumps(manifest(folder), indent=1))
    print((folder / "manifest.json").read_text())


if __name__ == "__main__":
    main()
