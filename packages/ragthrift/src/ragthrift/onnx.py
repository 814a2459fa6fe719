"""Transformers on ONNX Runtime, without PyTorch: length-sorted batches, dynamic padding."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragthrift.errors import ModelError, ModelNotFoundError, missing_extra
from ragthrift.machine import available_cpus
from ragthrift.tokens import load_tokenizer, well_formed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Encoding

    Floats = NDArray[np.float32]
    Integers = NDArray[np.int64]

Text = str | tuple[str, str]
"""One text, or a pair that the model reads together."""


class OnnxTransformer:
    """A transformer file with its tokenizer. Safe for threads; several may share one.

    `batch_tokens` limits a batch by its padded tokens: large batches of short texts, small
    batches of long ones. What fits in the CPU's cache is fastest: 512 took half the time of 8,192.
    `threads` batches run side by side; the default is the CPUs that this process may use.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        tokenizer: str | os.PathLike[str],
        *,
        threads: int | None = None,
        batch_tokens: int = 512,
    ) -> None:
        self._session = open_session(Path(model))
        self._threads = threads or available_cpus()
        self._inputs = {node.name for node in self._session.get_inputs()}
        self._batch_tokens = batch_tokens
        self.tokenizer = load_tokenizer(tokenizer)
        self._pad_id = _pad_id(self.tokenizer)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Where each token of the text starts and ends, in characters."""
        return list(self.tokenizer.encode(well_formed(text), add_special_tokens=False).offsets)

    def run(
        self, texts: Sequence[Text], reduce: Callable[["Floats", "Integers"], "Floats"]
    ) -> "Floats":
        """Shape (n, d): `reduce(first output, attention mask)` of every batch, in input order."""
        import numpy as np

        rows = self.run_each(self.encode(texts), reduce)
        return np.stack(rows) if rows else np.zeros((0, 0), dtype=np.float32)

    def encode(self, texts: Sequence[Text]) -> list["Encoding"]:
        """The tokens of every text, special tokens included."""
        return list(self.tokenizer.encode_batch([_well_formed(text) for text in texts]))

    def run_each(
        self,
        encodings: Sequence["Encoding"],
        reduce: Callable[["Floats", "Integers"], Iterable["Floats"]],
    ) -> list["Floats"]:
        """What `reduce(first output, attention mask)` makes of each text, in input order."""
        rows: list[Floats | None] = [None] * len(encodings)
        lengths = [len(encoding) for encoding in encodings]
        share = max(1, min(self._batch_tokens, sum(lengths) // self._threads))

        def score(batch: list[int]) -> None:
            feed = self._feed([encodings[position] for position in batch])
            output = self._session.run(None, feed)[0]
            for position, row in zip(batch, reduce(output, feed["attention_mask"]), strict=True):
                rows[position] = row

        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(score, batches(lengths, share)))
        return [row for row in rows if row is not None]

    def _feed(self, encodings: Sequence["Encoding"]) -> dict[str, "Integers"]:
        import numpy as np

        shape = (len(encodings), max(len(encoding) for encoding in encodings))
        ids = np.full(shape, self._pad_id, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        types = np.zeros(shape, dtype=np.int64)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding)] = encoding.ids
            mask[row, : len(encoding)] = 1
            types[row, : len(encoding)] = encoding.type_ids
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        return {name: value for name, value in feed.items() if name in self._inputs}


def batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Positions grouped by length, each group at most `batch_tokens` after padding.

    A text longer than that goes alone.

    >>> list(batches([9, 2, 8, 3], 16))
    [[1, 3], [2], [0]]
    """
    batch: list[int] = []
    for position in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[position] > batch_tokens:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch


def open_session(model: Path) -> Any:
    """A model file as a session with one thread. Raises ModelError where it cannot be loaded."""
    if not model.is_file():
        raise ModelNotFoundError(f"no ONNX model at {model}; export one with export_onnx")
    try:
        import onnxruntime
    except ImportError as error:
        missing_extra("onnx", "onnxruntime", error)
    options = onnxruntime.SessionOptions()
    # A batch has one thread, and batches run side by side: threads inside a batch wait for each
    # other after every layer, spinning, which on a busy machine halves the speed.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(str(model), options)
    except Exception as error:
        raise ModelError(f"ONNX Runtime cannot load {model}: {error}") from error


def _well_formed(text: Text) -> Text:
    if isinstance(text, str):
        return well_formed(text)
    return well_formed(text[0]), well_formed(text[1])


def _pad_id(tokenizer: Any) -> int:
    for token in ("[PAD]", "<pad>", "<|endoftext|>"):
        found = tokenizer.token_to_id(token)
        if found is not None:
            return int(found)
    return 0
