"""Slots of llama.cpp, saved to files and restored."""

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ragthrift.errors import InputError, ModelError
from ragthrift.local.saved_prefix import fetch_state, model_digest, prefix_key, store_state
from ragthrift.local.server import LlamaServer
from ragthrift.local.server_options import ServerOptions

_MOST_KEPT = 8


class SlotFiles:
    """llama.cpp writes and reads them in a folder of its own, from where they are moved."""

    def __init__(
        self, server: LlamaServer, model_path: Path, options: ServerOptions, scratch: Path
    ) -> None:
        self._server = server
        self._model = model_digest(model_path)
        self._options = options
        self._scratch = scratch
        self._kept: OrderedDict[str, str] = OrderedDict()
        """Texts of the prefixes whose states lie in the folder, by key."""
        self._lock = threading.Lock()

    def key(self, text: str) -> str:
        """Names the state of a prompt under everything that it depends on."""
        options = self._options
        template = options.chat_template or ""
        return prefix_key(
            {
                "model": self._model,
                "template": hashlib.sha256(template.encode()).hexdigest(),
                "prompt": hashlib.sha256(text.encode()).hexdigest(),
                "n_ctx": options.n_ctx,
                "slots": options.slots,
                "reproducible": options.reproducible,
                "xllamacpp": self._server.version,
            }
        )

    def keep(self, slot: int, key: str, text: str) -> None:
        """Save a slot in llama.cpp's folder, for sessions that will begin with its text."""
        self._server.ask(f"/slots/{slot}?action=save", {"filename": f"{key}.slot"})
        with self._lock:
            self._kept[key] = text
            self._kept.move_to_end(key)
            if len(self._kept) > _MOST_KEPT:
                oldest, _ = self._kept.popitem(last=False)
                (self._scratch / f"{oldest}.slot").unlink(missing_ok=True)

    def begin(self, slot: int, prompt: Callable[[], str]) -> None:
        """Put the kept prefix that a new session's prompt begins with into its slot."""
        with self._lock:
            kept = dict(self._kept)
        text = prompt() if kept else ""
        for key, prefix in kept.items():
            # A chat's prefix ends with the mark of an answer, so that no prompt holds all of it.
            if text.startswith(prefix[: len(prefix) // 2]):
                with suppress(InputError, ModelError):  # it was dropped: the prompt is read anew
                    self._server.ask(f"/slots/{slot}?action=restore", {"filename": f"{key}.slot"})
                return

    def save(self, slot: int, key: str, folder: Path) -> Path:
        """Write a slot into a folder."""
        state = self._scratch / f"{key}-{secrets.token_hex(4)}.slot"
        try:
            self._server.ask(f"/slots/{slot}?action=save", {"filename": state.name})
            return store_state(state, folder, key)
        finally:
            state.unlink(missing_ok=True)

    def restore(self, slot: int, key: str, folder: Path) -> bool:
        """Read a slot from a folder, if what is there is proven to be what was written."""
        state = self._scratch / f"{key}-{secrets.token_hex(4)}.slot"
        try:
            if not fetch_state(folder, key, state):
                return False
            self._server.ask(f"/slots/{slot}?action=restore", {"filename": state.name})
        except (InputError, ModelError):
            return False  # llama.cpp refuses a state of other settings
        finally:
            state.unlink(missing_ok=True)
        return True
