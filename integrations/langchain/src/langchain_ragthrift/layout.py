"""How a tool wrote its documents, so that fewer of them can be written the same way."""

from collections.abc import Callable, Sequence

from langchain_core.documents import Document
from langchain_core.messages import ToolMessage
from langchain_core.prompts import BasePromptTemplate, format_document

from langchain_ragthrift.convert import block_text

Layout = Callable[[int, Document], str]
"""Writes a document that stood at an index, perhaps with a shorter text."""


def find_layout(
    content: str,
    documents: Sequence[Document],
    *,
    separator: str,
    prompt: BasePromptTemplate[str] | None = None,
) -> Layout | None:
    r"""Find how `content` holds `documents`; a `prompt` overrules what is found.

    Without a prompt, whatever stands around a document's text stays around it; `None` where a
    text is missing, so that `content` is no rendering of the documents. With a prompt, the layout
    raises ValueError for a document that lacks metadata named in it.

    >>> cats, dogs = Document("Cats"), Document("Dogs")
    >>> layout = find_layout("1. Cats\n\n2. Dogs", [cats, dogs], separator="\n\n")
    >>> layout(1, dogs)
    '2. Dogs'
    """
    if prompt is not None:
        return lambda _, document: format_document(document, prompt)
    around = _surroundings(content, documents, separator)
    if around is None:
        return None
    return lambda index, document: document.page_content.join(around[index])


def _surroundings(
    content: str, documents: Sequence[Document], separator: str
) -> list[tuple[str, str]] | None:
    """Find what stands before and after each text, up to the separators."""
    found, start = [], 0
    for following, document in zip(range(len(documents) - 1, -1, -1), documents, strict=True):
        begin = content.find(document.page_content, start)
        end = begin + len(document.page_content)
        cut = content.find(separator, end) if following else len(content)
        if begin < 0 or cut < 0:
            return None
        found.append((content[start:begin], content[end:cut]))
        start = cut + len(separator)
    return found


def documents_of(message: ToolMessage) -> list[Document]:
    """Read the documents of an artifact; none where it holds anything else."""
    artifact = message.artifact
    if not isinstance(artifact, list | tuple):
        return []
    documents = [item for item in artifact if isinstance(item, Document)]
    return documents if len(documents) == len(artifact) else []


def text_content(message: ToolMessage, separator: str) -> str | None:
    """Read a message, text blocks joined by `separator`; `None` where it holds more than text."""
    if isinstance(message.content, str):
        return message.content
    texts = []
    for block in message.content:
        text = block_text(block)
        if text is None:
            return None
        texts.append(text)
    return separator.join(texts)
