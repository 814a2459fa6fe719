"""What an application is made of, as a hash: code that changed must be asked again."""

import sys
import sysconfig
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib.metadata import distributions
from pathlib import Path
from types import ModuleType


@cache
def packages_hash() -> str:
    """Of every installed distribution's name and version, as 16 hexadecimal digits."""
    names = sorted({f"{found.metadata['Name']}=={found.version}" for found in distributions()})
    return sha256("\n".join(names).encode()).hexdigest()[:16]


def folder_hash(*folders: Path) -> str:
    """Of every Python file in the folders, as 16 hexadecimal digits."""
    return _files_hash(file for folder in folders for file in sorted(folder.rglob("*.py")))


def own_code_hash(modules: Iterable[ModuleType]) -> str:
    """Of the modules' files, those of installed packages and of Python itself left out."""
    files = {Path(file) for module in modules if (file := getattr(module, "__file__", None))}
    return _files_hash(sorted(file for file in files if _is_own(file)))


def imported_since(before: Iterable[str]) -> list[ModuleType]:
    """The modules that were imported since `before`, the names in `sys.modules` back then."""
    return [sys.modules[name] for name in sorted(sys.modules.keys() - set(before))]


def _is_own(file: Path) -> bool:
    return file.is_file() and not any(file.is_relative_to(place) for place in _installed())


@cache
def _installed() -> frozenset[str]:
    kinds = ("stdlib", "platstdlib", "purelib", "platlib")
    return frozenset(sysconfig.get_path(kind) for kind in kinds)


def _files_hash(files: Iterable[Path]) -> str:
    digest = sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]
