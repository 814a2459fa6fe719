"""llama.cpp's own C functions, out of the shared object that xllamacpp ships."""

import ctypes
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ragthrift.errors import MissingExtraError, ModelError
from ragthrift.machine import calm_threads


def library_path() -> Path:
    """The shared object; MissingExtraError without xllamacpp, which is not imported."""
    spec = find_spec("xllamacpp")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for file in sorted(Path(folder).glob("xllamacpp*.so")):
            return file
    raise MissingExtraError(
        'xllamacpp is not installed; run: pip install "ragthrift[local]"', name="xllamacpp"
    )


@cache
def llama_library() -> ctypes.CDLL:
    """The loaded library."""
    calm_threads()
    return ctypes.CDLL(str(library_path()))


def c_function(name: str, result: Any, *arguments: Any) -> Any:
    """The function with its types; ModelError if this build does not export it."""
    try:
        # Indexing makes an object of its own, attribute access would share it and its types.
        found = llama_library()[name]
    except AttributeError:
        raise ModelError(
            f"this build of xllamacpp does not export {name}; install another version of it"
        ) from None
    found.restype, found.argtypes = result, arguments
    return found
