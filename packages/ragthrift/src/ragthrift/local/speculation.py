"""Guessing tokens ahead: the model checks a guess of many tokens in one step."""

import os
from pathlib import Path
from typing import Any, Literal

from ragthrift.errors import InputError
from ragthrift.local.gguf import read_gguf

Speculation = Literal["off", "auto", "on"]
"""`auto` guesses only after twelve tokens that were seen before; `on` after six, or by a draft."""

# (tokens that must match, fewest and most tokens of a guess) of llama.cpp's NGRAM_MOD. Of its
# n-gram kinds it gained most where answers copy from the prompt, and a match of twelve tokens
# hardly ever happens elsewhere, where a wrong guess costs time.
_CAREFUL = (12, 4, 16)
_EAGER = (6, 2, 16)


def drafter(draft: str | os.PathLike[str] | None, speculation: Speculation) -> Path | None:
    """The draft model's file; what cannot work is refused with InputError, or as no model."""
    if speculation not in ("off", "auto", "on"):
        raise InputError(f"speculation={speculation!r} must be 'off', 'auto' or 'on'")
    if draft is None:
        return None
    if speculation != "on":
        raise InputError(
            f"draft={str(draft)!r} needs speculation='on': a draft model guesses at every token, "
            "which pays only where the main model is many times larger"
        )
    read_gguf(draft)
    return Path(draft)


def set_speculation(
    xllamacpp: Any, parameters: Any, speculation: Speculation, draft: Path | None, threads: int
) -> None:
    """Write it into llama.cpp's parameters; a request cannot change it later."""
    if speculation == "off":
        return
    kinds = xllamacpp.common_speculative_type
    wanted = parameters.speculative
    if draft is not None:
        wanted.types = [kinds.COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE]
        wanted.draft.mparams.path = str(draft)
        wanted.draft.cpuparams.n_threads = threads
        return
    wanted.types = [kinds.COMMON_SPECULATIVE_TYPE_NGRAM_MOD]
    match, fewest, most = _CAREFUL if speculation == "auto" else _EAGER
    ngram = wanted.ngram_mod
    ngram.n_match, ngram.n_min, ngram.n_max = match, fewest, most
