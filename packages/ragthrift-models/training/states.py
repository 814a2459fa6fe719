"""Token states of MiniLM, read once and kept on disk: the encoder is frozen."""

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragthrift.machine import available_cpus
from ragthrift.onnx import batches
from ragthrift.states import TextStates
from ragthrift.tokens import load_tokenizer
from ragthrift_models import minilm_model, minilm_tokenizer

Floats = NDArray[np.float32]
MAX_TOKENS = 256
"""MiniLM read no more in training; longer texts are cut into windows of whole sentences first."""
CHUNK = 2000
"""Texts between two messages of progress."""


class States:
    """Token states by text. `need` encodes what is not there yet."""

    def __init__(self, encoder: Path | None = None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(encoder or minilm_model()), options)
        self._inputs = {node.name for node in self._session.get_inputs()}
        self.tokenizer = load_tokenizer(minilm_tokenizer())
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self._known: dict[str, TextStates] = {}

    def __getitem__(self, text: str) -> TextStates:
        return self._known[text]

    def need(self, texts: Iterable[str]) -> None:
        """Encode the texts that are new, on all CPUs."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        for start in range(0, len(new), CHUNK):
            self._encode(new[start : start + CHUNK])
            print(f"encoded {min(start + CHUNK, len(new))} of {len(new)} texts", flush=True)

    def _encode(self, texts: Sequence[str]) -> None:
        encodings = self.tokenizer.encode_batch(list(texts))

        def run(batch: list[int]) -> None:
            rows = [encodings[at] for at in batch]
            output = self._session.run(None, _feed(rows, self._inputs))[0]
            for at, row, states in zip(batch, rows, output, strict=True):
                kept = states[: len(row.ids)].astype(np.float16)
                self._known[texts[at]] = TextStates(kept, np.array(row.offsets, np.int32))

        with ThreadPoolExecutor(available_cpus()) as pool:
            list(pool.map(run, batches([len(row.ids) for row in encodings], 512)))

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


def _feed(rows: Sequence[Any], inputs: set[str]) -> dict[str, NDArray[np.int64]]:
    shape = (len(rows), max(len(row.ids) for row in rows))
    ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for at, row in enumerate(rows):
        ids[at, : len(row.ids)] = row.ids
        mask[at, : len(row.ids)] = 1
    feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros(shape, np.int64)}
    return {name: value for name, value in feed.items() if name in inputs}
