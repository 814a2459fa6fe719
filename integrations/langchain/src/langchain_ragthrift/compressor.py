"""Pipeline steps as a LangChain document compressor."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.runnables import Runnable, RunnableLambda, run_in_executor
from pydantic import ConfigDict, PrivateAttr
from typing_extensions import TypedDict, override

from langchain_ragthrift.convert import from_passages, to_passages
from ragthrift import InputError, Pipeline, Run
from ragthrift.pipeline import OnError
from ragthrift.protocols import Compressor, Reranker, Step, TokenCounter


class Retrieved(TypedDict):
    """What `RagthriftCompressor.as_runnable` takes."""

    question: str
    documents: list[Document]


class RagthriftCompressor(BaseDocumentCompressor):
    """Reranks, drops and shortens retrieved documents by a `ragthrift.Pipeline`.

    Documents keep their id, class and metadata; those given are never changed. A step's new score
    is written to `metadata["relevance_score"]`. The arguments are the pipeline's.

    >>> first_only = lambda query, passages: passages[:1]
    >>> compressor = RagthriftCompressor([first_only])
    >>> compressor.compress_documents([Document("Ann did."), Document("Bob did not.")], "Who?")
    [Document(metadata={}, page_content='Ann did.')]
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)

    steps: tuple[Any, ...]
    """Rerankers, compressors and functions `(query, passages) -> passages`, in order."""
    token_counter: TokenCounter | None = None
    on_error: OnError = "pass"
    on_run: Callable[[Run], None] | None = None
    _pipeline: Pipeline = PrivateAttr()

    def __init__(
        self,
        steps: Iterable[Step | Reranker | Compressor],
        *,
        token_counter: TokenCounter | None = None,
        on_error: OnError = "pass",
        on_run: Callable[[Run], None] | None = None,
    ) -> None:
        fields: dict[str, Any] = {
            "steps": tuple(steps),
            "token_counter": token_counter,
            "on_error": on_error,
            "on_run": on_run,
        }
        pipeline = Pipeline(**fields)
        super().__init__(**fields)
        self._pipeline = pipeline

    @property
    def pipeline(self) -> Pipeline:
        """What runs; its `failures` counts the steps that failed and were passed over."""
        return self._pipeline

    @override
    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """Give the kept documents; `callbacks` see nothing, since no model run starts here."""
        if not isinstance(query, str):
            raise InputError(f"the query must be str, not {type(query).__name__}")
        given = to_passages(documents)
        return from_passages(self.pipeline(query, given), given, documents)

    @override
    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """Do the same in a thread: the event loop stays free."""
        return await run_in_executor(None, self.compress_documents, documents, query, callbacks)

    def as_runnable(self) -> Runnable[Retrieved, list[Document]]:
        """Make a link of a chain: it takes `{"question": str, "documents": list}`.

        >>> trim = RagthriftCompressor([lambda query, passages: passages[:1]]).as_runnable()
        >>> trim.invoke({"question": "Who?", "documents": [Document("Ann."), Document("Bob.")]})
        [Document(metadata={}, page_content='Ann.')]
        """

        def compress(retrieved: Retrieved) -> list[Document]:
            return self.compress_documents(*_checked(retrieved))

        async def acompress(retrieved: Retrieved) -> list[Document]:
            return await self.acompress_documents(*_checked(retrieved))

        return RunnableLambda(compress, afunc=acompress, name=type(self).__name__)

    @override
    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Make a compressor with a pipeline of its own, so that `update` takes effect."""
        return type(self)(**{**dict(self), **(update or {})})


def _checked(retrieved: Retrieved) -> tuple[list[Document], str]:
    try:
        return retrieved["documents"], retrieved["question"]
    except (KeyError, TypeError) as error:
        raise InputError(
            'a compressor in a chain takes {"question": str, "documents": list of Document}'
        ) from error
