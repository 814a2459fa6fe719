"""What models learnt as bytes: a NumPy archive, in which nothing can run."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ragthrift.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[np.generic]]


def packed(arrays: "Arrays") -> bytes:
    """Named arrays as bytes."""
    import numpy as np

    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def unpacked(state: bytes) -> "Arrays":
    """The arrays of `packed`; `InputError` for other bytes."""
    import numpy as np

    try:
        with np.load(io.BytesIO(state), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, AttributeError) as error:
        raise InputError("these bytes are no state of a model; fit it anew") from error
