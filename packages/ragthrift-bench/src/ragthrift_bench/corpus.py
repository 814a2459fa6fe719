"""A folder of documents as passages, and what finds them for a question."""

import logging
import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

from ragthrift import InputError, Passage
from ragthrift.lexical import Bm25
from ragthrift_bench.records import Record, read_lines, read_text
from ragthrift_bench.retrieval import Retrieve, faiss_retriever

SUFFIXES = (".md", ".txt", ".html", ".htm", ".jsonl")
"""The files that are read; others in the folder are passed over."""

_SENTENCE = re.compile(r"\S.*?(?:[.!?](?=\s)|(?=\n)|\Z)", re.DOTALL)
_WORD = re.compile(r"\S+")
_LINE_ENDERS = {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "title", "pre"}
_UNREAD = {"script", "style", "template"}

Span = tuple[int, int]
"""Start and end of a piece, in characters of its document."""

log = logging.getLogger(__name__)


def index_folder(path: Path, *, glob: str = "**/*", chunk_words: int = 200) -> list[Passage]:
    """The documents of a folder, cut between sentences into passages of at most `chunk_words`.

    Markdown, plain text and HTML (its text) become passages with the id `file#number` and the
    metadata `source`, `start` and `end`, offsets into the text. A line of a `.jsonl` file is a
    passage as it stands: `text`, `id` if it has one, and the other fields as metadata. Hidden
    files are passed over. Raises InputError where nothing is found or a file is not UTF-8.
    """
    if chunk_words < 1:
        raise InputError(f"chunk_words={chunk_words} must be at least 1")
    if not path.is_dir():
        raise InputError(f"no folder {path}; name the one that your documents lie in")
    passages = [p for file in _files(path, glob) for p in _passages(file, path, chunk_words)]
    if not passages:
        raise InputError(f"nothing to read in {path} by {glob!r}: no text in {', '.join(SUFFIXES)}")
    _check_ids(passages)
    return passages


def retriever(corpus: Sequence[Passage], top_k: int) -> Retrieve:
    """What finds the `top_k` best passages: MiniLM and FAISS where both are installed, else BM25.

    They find different passages; the log says when it is BM25.
    """
    if top_k < 1:
        raise InputError(f"{top_k} passages cannot be retrieved; ask for at least 1")
    if all(find_spec(name) for name in ("faiss", "onnxruntime", "tokenizers", "ragthrift_models")):
        from ragthrift.embed import minilm

        return faiss_retriever(corpus, minilm(), top_k)
    log.warning('retrieving by BM25; pip install "ragthrift[embedded]" faiss-cpu for vectors')
    return bm25_retriever(corpus, top_k)


def bm25_retriever(corpus: Sequence[Passage], top_k: int) -> Retrieve:
    """The `top_k` best passages by BM25, best first.

    >>> find = bm25_retriever([Passage("Cats purr."), Passage("Dogs bark.")], top_k=1)
    >>> [passage.text for passage in find("Which animals bark?")]
    ['Dogs bark.']
    """
    index = Bm25([passage.text for passage in corpus])

    def retrieve(question: str) -> list[Passage]:
        scores = index.scores(question)
        best = (-scores).argsort(kind="stable")[:top_k]
        return [corpus[at].with_score(scores[at]) for at in best]

    return retrieve


def _files(folder: Path, glob: str) -> list[Path]:
    found = (file for file in folder.glob(glob) if file.suffix.lower() in SUFFIXES)
    seen = (file for file in found if not _hidden(file.relative_to(folder)))
    return sorted(file for file in seen if file.is_file())


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _passages(file: Path, folder: Path, chunk_words: int) -> Iterator[Passage]:
    source = file.relative_to(folder).as_posix()
    if file.suffix.lower() == ".jsonl":
        yield from (_line(record, source, at) for at, record in enumerate(read_lines(file)))
        return
    text = read_text(file)
    if file.suffix.lower() in (".html", ".htm"):
        text = _html_text(text)
    for number, (start, end) in enumerate(_chunks(text, chunk_words)):
        metadata = {"source": source, "start": start, "end": end}
        yield Passage(text[start:end], id=f"{source}#{number}", metadata=metadata)


def _line(record: Record, source: str, at: int) -> Passage:
    metadata = {k: v for k, v in record.fields.items() if k not in ("id", "text")}
    name = record.text_or_none("id") or f"{source}#{at}"
    return Passage(record.text("text"), id=name, metadata={"source": source, **metadata})


def _chunks(text: str, most: int) -> Iterator[Span]:
    start, end, held = 0, 0, 0
    for span, count in _sentences(text, most):
        if held and held + count > most:
            yield start, end
            held = 0
        start = start if held else span[0]
        end, held = span[1], held + count
    if held:
        yield start, end


def _sentences(text: str, most: int) -> Iterator[tuple[Span, int]]:
    """Sentences with their number of words; one of more than `most` is cut."""
    for sentence in _SENTENCE.finditer(text):
        words = [(word.start(), word.end()) for word in _WORD.finditer(text, *sentence.span())]
        for first in range(0, len(words), most):
            piece = words[first : first + most]
            yield (piece[0][0], piece[-1][1]), len(piece)


def _check_ids(passages: Sequence[Passage]) -> None:
    sources: dict[str, object] = {}
    for passage in passages:
        source = passage.metadata["source"]
        if passage.id in sources:
            raise InputError(
                f"the id {passage.id!r} stands twice, in {sources[passage.id]} and {source}"
            )
        sources[passage.id] = source


def _html_text(page: str) -> str:
    reader = _TextOfHtml()
    reader.feed(page)
    reader.close()
    return "".join(reader.pieces)


class _TextOfHtml(HTMLParser):
    """Keeps what a reader would see, with a line's end where a browser makes one."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self._unread += tag in _UNREAD
        if tag in _LINE_ENDERS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in _UNREAD and self._unread > 0
        if tag in _LINE_ENDERS:
            self.pieces.append("\n")

    def _keep(self, data: str) -> None:
        if not self._unread:
            self.pieces.append(data)

    handle_data = _keep  # the name that HTMLParser calls
