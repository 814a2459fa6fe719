"""One probability for each sentence, from all that is known of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ragthrift.compress.evidence.features import NAMES, Row, matrix
from ragthrift.errors import ModelError, ModelNotFoundError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_ARRAYS = ("mean", "scale", "first", "first_bias", "second")


@dataclass(frozen=True, slots=True)
class Fusion:
    """Two small layers: `sigmoid(tanh((x - mean) / scale @ first + b) @ second + c)`."""

    mean: "Floats"
    scale: "Floats"
    first: "Floats"
    first_bias: "Floats"
    second: "Floats"
    second_bias: float

    def probabilities(self, found: Sequence[Row]) -> "Floats":
        """That each sentence holds evidence, shape (n,)."""
        import numpy as np

        hidden = np.tanh((matrix(found) - self.mean) / self.scale @ self.first + self.first_bias)
        return np.asarray(1 / (1 + np.exp(-(hidden @ self.second + self.second_bias))), np.float32)

    def save(self, path: Path) -> None:
        """As JSON."""
        import numpy as np

        numbers = {name: np.round(getattr(self, name).astype(float), 6) for name in _ARRAYS}
        listed = {name: array.tolist() for name, array in numbers.items()}
        whole = {"features": NAMES, **listed, "second_bias": round(self.second_bias, 6)}
        path.write_text(json.dumps(whole, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Fusion":
        """What `save` wrote. Raises ModelError for one of other features."""
        import numpy as np

        if not path.is_file():
            raise ModelNotFoundError(f"no fusion at {path}")
        read = json.loads(path.read_text())
        if read["features"] != list(NAMES):
            raise ModelError(f"{path} was fitted on other features than this version computes")
        arrays = {name: np.array(read[name], np.float32) for name in _ARRAYS}
        return cls(**arrays, second_bias=read["second_bias"])
