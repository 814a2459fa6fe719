"""Token states of MiniLM, read once and kept on disk: the encoder is frozen."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ragthrift.states import StateEncoder, TextStates
from ragthrift_models import minilm_tokenizer, state_model

CHUNK = 2000
"""Texts between two messages of progress."""


class States:
    """Token states by text. `need` encodes what is not there yet."""

    def __init__(self) -> None:
        self._encoder = StateEncoder(state_model(), minilm_tokenizer(), cache_mib=0)
        self._known: dict[str, TextStates] = {}

    def __getitem__(self, text: str) -> TextStates:
        return self._known[text]

    def need(self, texts: Iterable[str]) -> None:
        """Encode the texts that are new, on all CPUs."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        for start in range(0, len(new), CHUNK):
            chunk = new[start : start + CHUNK]
            self._known.update(zip(chunk, self._encoder.read(chunk), strict=True))
            print(f"encoded {min(start + CHUNK, len(new))} of {len(new)} texts", flush=True)

    def save(self, folder: Path) -> None:
        """Write everything that is known."""
        folder.mkdir(parents=True, exist_ok=True)
        known = list(self._known.values())
        for name in ("states", "offsets"):
            np.save(folder / f"{name}.npy", np.concatenate([getattr(one, name) for one in known]))
        lengths = [len(one.states) for one in known]
        (folder / "texts.json").write_text(json.dumps([list(self._known), lengths]))

    def load(self, folder: Path) -> None:
        """Read what `save` wrote; nothing happens where it wrote nothing."""
        if not (folder / "texts.json").is_file():
            return
        texts, lengths = json.loads((folder / "texts.json").read_text())
        ends = np.cumsum(lengths)[:-1]
        parts = [np.split(np.load(folder / f"{n}.npy"), ends) for n in ("states", "offsets")]
        for text, states, offsets in zip(texts, *parts, strict=True):
            self._known[text] = TextStates(states, offsets)
