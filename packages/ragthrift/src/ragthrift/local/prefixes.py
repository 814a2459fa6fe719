"""Beginnings of prompts that many calls share, ready before the first of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ragthrift.errors import InputError
from ragthrift.local.llama_cpp import LlamaCppRuntime
from ragthrift.local.model import LocalModel
from ragthrift.local.sampling import Request
from ragthrift.types import Message, Tool


class Prefixes:
    """Keeps what repeats at the beginning of prompts: rules, tools, documents, examples.

    A prefix that was read stays in a slot, then in the `cache_mib` of memory that the model was
    loaded with, the longest unused going first. With a `folder` it is saved too, and a new process
    restores it in milliseconds, where reading it takes seconds; a model with adapters only reads.
    """

    def __init__(self, model: LocalModel, folder: Path | None = None) -> None:
        if not isinstance(model.runtime, LlamaCppRuntime):
            raise InputError(
                f"{type(model.runtime).__name__} keeps prefixes by itself; only models that "
                "xllamacpp runs are warmed here"
            )
        self._runtime = model.runtime
        self._folder = folder

    def warm(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Tool] = (),
        adapter: str | None = None,
        session: str | None = None,
    ) -> Literal["restored", "read"]:
        """Make the messages ready for calls that begin with them, and save them if they are new.

        The last message may go on in the calls: documents first, the question at the end. With a
        `session`, they are made ready where its calls go.
        """
        request = Request(
            messages=tuple(messages), tools=tuple(tools), adapter=adapter, session=session
        )
        if self._folder is None or "saved_prefixes" not in self._runtime.abilities:
            self._runtime.read_prefix(request)
            return "read"
        if self._runtime.restore_prefix(request, self._folder):
            return "restored"
        self._runtime.save_prefix(request, self._folder)
        return "read"
