"""ragthrift in LangChain: a document compressor, an agent middleware and a local chat model.

Only `TrimToolMessages` needs `langchain` itself; everything else needs `langchain-core`.
"""

from typing import TYPE_CHECKING, Any

from langchain_ragthrift.chat_model import ChatLocal
from langchain_ragthrift.compressor import RagthriftCompressor

if TYPE_CHECKING:
    from langchain_ragthrift.middleware import TrimToolMessages

__all__ = ["ChatLocal", "RagthriftCompressor", "TrimToolMessages"]


def __getattr__(name: str) -> Any:
    """Import the middleware at its first use, since `langchain` is an extra."""
    if name != "TrimToolMessages":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from langchain_ragthrift.middleware import TrimToolMessages
    except ImportError as error:
        from ragthrift import MissingExtraError

        raise MissingExtraError(
            'TrimToolMessages needs langchain; run: pip install "langchain-ragthrift[agents]"',
            name=error.name,
        ) from error
    return TrimToolMessages
