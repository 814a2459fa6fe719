"""The trained head for ONNX Runtime: `python -m training.export --out DIR`.

Writes `model/keep.onnx` (fp32: 1.5 MB, int8 would save nothing worth an error) and
`model/fusion.json`. With `--ship` both go into the package, and the encoder of
`training.export_encoder` where it lies in the same folder; then `manifest.json` is written there.
"""

import argparse
import json
import shutil
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor, nn

from ragthrift_models import evidence_model
from training.head import STATES, KeepHead

OPSET = 18
VERSION = "2"
ROOMS = {"encoder.int8.onnx": "minilm", "keep.onnx": "evidence", "fusion.json": "evidence"}
"""Where the package keeps each file."""


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


def ship(folder: Path, package: Path) -> None:
    """Copy the models into the package, and write size and SHA-256 of every file beside them."""
    for name, room in ROOMS.items():
        if (folder / name).is_file():
            shutil.copy(folder / name, package / room / name)
    files = sorted(path for room in set(ROOMS.values()) for path in (package / room).iterdir())
    listed = {path.relative_to(package).as_posix(): _measured(path) for path in files}
    manifest = {"version": VERSION, "files": listed}
    (package / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def _measured(path: Path) -> dict[str, object]:
    return {"bytes": path.stat().st_size, "sha256": sha256(path.read_bytes()).hexdigest()}


def main() -> None:
    """Run the command."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--ship", action="store_true", help="put the models into the package")
    chosen = arguments.parse_args()
    folder = chosen.out / "model"
    folder.mkdir(exist_ok=True)
    head = KeepHead()
    head.load_state_dict(torch.load(chosen.out / "head.pt"))
    export_head(head.eval(), folder / "keep.onnx")
    shutil.copy(chosen.out / "fusion.json", folder / "fusion.json")
    if chosen.ship:
        ship(folder, evidence_model().parent)


if __name__ == "__main__":
    main()
