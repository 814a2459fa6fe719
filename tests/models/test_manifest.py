"""The files of the package are those that were measured."""

from hashlib import sha256
from pathlib import Path

from ragthrift_models import evidence_model, manifest, minilm_tokenizer, state_model

PACKAGE = evidence_model().parent


def shipped() -> dict[str, Path]:
    rooms = (evidence_model(), state_model().parent)
    return {p.relative_to(PACKAGE).as_posix(): p for room in rooms for p in room.iterdir()}


def test_every_file_has_the_size_and_the_digest_of_the_manifest() -> None:
    found = {
        name: {"bytes": path.stat().st_size, "sha256": sha256(path.read_bytes()).hexdigest()}
        for name, path in shipped().items()
    }
    assert found == manifest()["files"]


def test_the_models_are_there() -> None:
    assert {"minilm/encoder.int8.onnx", "evidence/keep.onnx"} < set(shipped())
    assert minilm_tokenizer().is_file()
    assert manifest()["version"]
