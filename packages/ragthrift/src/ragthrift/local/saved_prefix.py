"""The state of a prompt that was read, in a file that is proven before it is used.

llama.cpp ends the whole process when it restores a file that is cut or damaged, so none reaches it
whose digest is not the one that was noted when it was written.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from ragthrift.errors import ModelError

_BLOCK = 1 << 20


def model_digest(model: Path) -> str:
    """Of a file's size, time of change, first and last MiB: a whole digest would take seconds."""
    digest = hashlib.sha256()
    with model.open("rb") as opened:
        found = os.fstat(opened.fileno())
        digest.update(f"{found.st_size} {found.st_mtime_ns}".encode())
        digest.update(opened.read(_BLOCK))
        opened.seek(max(0, found.st_size - _BLOCK))
        digest.update(opened.read(_BLOCK))
    return digest.hexdigest()


def prefix_key(parts: Mapping[str, object]) -> str:
    """A name for the state that depends on all of these parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def store_state(state: Path, folder: Path, key: str) -> Path:
    """Move a state that was just written into a folder, with its proof beside it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target, proof = folder / f"{key}.slot", folder / f"{key}.json"
        noted = {"size": state.stat().st_size, "sha256": _copy(state, None)}
        # The proof goes first: a process that is killed in between leaves a state without one.
        proof.unlink(missing_ok=True)
        scratch = folder / f"{key}.{secrets.token_hex(4)}.tmp"
        try:
            _copy(state, scratch)
            scratch.replace(target)
            scratch.write_text(json.dumps(noted))
            scratch.replace(proof)
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as error:
        raise ModelError(f"the prefix cannot be saved in {folder}: {error}") from error
    return target


def fetch_state(folder: Path, key: str, target: Path) -> bool:
    """Copy a state out of a folder; `False` if it is not there or not what was written.

    What is proven is the copy, so that nobody can change it in between.
    """
    try:
        noted = json.loads((folder / f"{key}.json").read_text())
        found = {"sha256": _copy(folder / f"{key}.slot", target), "size": target.stat().st_size}
    except (OSError, ValueError):
        return False
    return bool(noted == found)


def _copy(source: Path, target: Path | None) -> str:
    """Copy a file, or only read it; the SHA-256 of what passed."""
    digest = hashlib.sha256()
    with source.open("rb") as opened, Path(target or os.devnull).open("wb") as copied:
        while block := opened.read(_BLOCK):
            digest.update(block)
            copied.write(block)
    return digest.hexdigest()
