"""The keep head on ONNX Runtime: which tokens of a passage matter for a question."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from ragthrift.machine import available_cpus
from ragthrift.onnx import batches, open_session
from ragthrift.states import TextStates

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_BATCH_TOKENS = 2048


class KeepHead:
    """A small network on frozen token states: 0.38 million weights. Safe for threads."""

    def __init__(self, model: Path, *, threads: int | None = None) -> None:
        self._session = open_session(model)
        self._threads = threads or available_cpus()

    def logits(self, question: TextStates, windows: Sequence[TextStates]) -> list["Floats"]:
        """Of every token of every window, shape (t,) each."""
        import numpy as np

        asked = question.states.astype(np.float32)
        lengths = [len(window.states) for window in windows]
        rows: dict[int, Floats] = {}

        def score(batch: list[int]) -> None:
            shape = (len(batch), max(lengths[at] for at in batch))
            states = np.zeros((*shape, asked.shape[1]), np.float32)
            mask = np.zeros(shape, np.float32)
            for row, at in enumerate(batch):
                states[row, : lengths[at]] = windows[at].states
                mask[row, : lengths[at]] = 1
            feed = {"question": asked, "passages": states, "mask": mask}
            output = self._session.run(None, feed)[0]
            rows.update({at: output[row, : lengths[at]] for row, at in enumerate(batch)})

        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(score, batches(lengths, _BATCH_TOKENS)))
        return [rows[at] for at in range(len(windows))]
