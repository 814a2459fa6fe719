"""Where files that can be made again are kept."""

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """`$RAGTHRIFT_CACHE/name`, else `$XDG_CACHE_HOME/ragthrift/name`; made if missing."""
    root = os.environ.get("RAGTHRIFT_CACHE")
    if root is None:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        root = str(Path(home) / "ragthrift")
    folder = Path(root) / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
