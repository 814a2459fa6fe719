"""Everything ragthrift raises.

RagthriftError
├── InputError (ValueError)                  an argument that cannot work
├── MissingExtraError (ImportError)          `pip install "ragthrift[…]"` names the extra
├── ModelError                               a model could not be loaded or run
│   ├── ModelNotFoundError (FileNotFoundError)   no such model file or folder
│   └── ContextOverflowError                 the prompt does not fit the context window
└── ContractError                            a plugged-in part broke its protocol
"""

from typing import NoReturn


class RagthriftError(Exception):
    """Root of the tree: `except RagthriftError` catches all that ragthrift raises by itself."""


class InputError(RagthriftError, ValueError):
    """An argument that cannot work; the message says what would."""


class MissingExtraError(RagthriftError, ImportError):
    """An optional dependency is not installed; the message holds the `pip install` line."""


class ModelError(RagthriftError):
    """A model could not be loaded, or failed while running."""


class ModelNotFoundError(ModelError, FileNotFoundError):
    """A model file or folder is not where it was said to be."""


class ContextOverflowError(ModelError):
    """A prompt needs more tokens than the model's context window holds."""

    def __init__(self, needed: int, window: int) -> None:
        super().__init__(
            f"the prompt and the answer need {needed} tokens, the context window holds {window}; "
            "send fewer passages, lower max_tokens, or load the model with a larger n_ctx"
        )
        self.needed = needed
        self.window = window

    def __reduce__(self) -> "tuple[type[ContextOverflowError], tuple[int, int]]":
        """Pickle by the two numbers: an exception is otherwise rebuilt from its message."""
        return type(self), (self.needed, self.window)


class ContractError(RagthriftError):
    """A plugged-in part broke its protocol, for example by inventing a passage."""


def missing_extra(extra: str, package: str, cause: ImportError) -> NoReturn:
    """Raise the one error for a missing optional dependency, chained to its cause."""
    raise MissingExtraError(
        f'{package} is not installed; run: pip install "ragthrift[{extra}]"', name=cause.name
    ) from cause
