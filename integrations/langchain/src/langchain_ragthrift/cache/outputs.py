"""A chain's output, written down so that it can be given again: text, messages, dicts of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import AIMessage

from langchain_ragthrift.cache.messages import ended, to_kept, to_served, tool_calls, total_tokens
from langchain_ragthrift.cache.witness import Witness
from langchain_ragthrift.cache.writing import read, write
from langchain_ragthrift.convert import to_passages
from ragthrift import InputError, Passage, ToolCall
from ragthrift.cache import Answer, Fresh, evidence_of


@dataclass(frozen=True, slots=True)
class Said(Fresh):
    """What the chain gave, with the reason if it cannot be kept."""

    output: Any = None
    unkept: str | None = None

    def built_from(self, retrieved: Sequence[Passage]) -> "Said":
        """With what was retrieved beforehand as evidence, since that is what is compared later.

        Documents that only the chain found stay evidence, too.
        """
        if not retrieved or not self.passages:
            return self
        known = {(e.document_id, e.version) for e in evidence_of(retrieved)}
        beyond = [
            passage
            for passage in self.passages
            if not known.issuperset((e.document_id, e.version) for e in evidence_of([passage]))
        ]
        return replace(self, passages=[*retrieved, *beyond])


@dataclass(frozen=True, slots=True)
class Reader:
    """Finds answer and documents in an output."""

    answer_key: str
    document_key: str | None
    """Metadata that names a document, such as `source`."""

    def said(self, output: Any, given: Any, witness: Witness) -> Said:
        """An output as an answer; `given` is the chain's input."""
        found = _documents(output)
        unknown = found is None and witness.documents is None
        read_by_it = [*(found or ()), *(witness.documents or ())]
        said = Said(
            "",
            passages=None if unknown else evidence(read_by_it, self.document_key),
            finish_reason=witness.finish_reason,
            tool_calls=tuple(witness.tools),
            tokens=witness.tokens or None,
            output=output,
        )
        try:
            return self._written(said, given)
        except InputError as error:
            return replace(said, text="", unkept=str(error))

    def _written(self, said: Said, given: Any) -> Said:
        output, passed = said.output, []
        answer = output
        if isinstance(output, Mapping):
            answer = output.get(self.answer_key)
            passed = [k for k, v in output.items() if k != self.answer_key and _came(k, v, given)]
        if isinstance(answer, AIMessage):
            said = _of_message(said, answer)
            if tool_calls(answer):  # an action to be taken, whatever the rules say of the tool
                return replace(said, finish_reason="error")
        elif isinstance(answer, str):
            said = replace(said, text=answer)
        else:
            raise InputError(self._unreadable(output, answer))
        return replace(said, extra=write({"output": _kept(output, passed), "passed": passed}))

    def _unreadable(self, output: Any, answer: Any) -> str:
        if isinstance(output, Mapping) and self.answer_key not in output:
            return f"its output has no {self.answer_key!r} but {list(output)}; pass answer_key=..."
        kind = type(answer).__name__
        return f"its answer is a {kind}, and only text and AI messages can be given again"


def given_again(extra: bytes, given: Any, answer: Answer) -> Any:
    """The output that was written down, for another input; `None` when nothing was."""
    written = read(extra)
    if written is None:
        return None
    output, passed = written["output"], written["passed"]
    if not isinstance(output, dict):
        return _served(output, answer)
    asked = given if isinstance(given, Mapping) else dict.fromkeys(passed, given)
    return {
        key: asked[key] if key in passed else _served(value, answer)
        for key, value in output.items()
        if key not in passed or key in asked
    }


def evidence(documents: Sequence[Document], document_key: str | None) -> list[Passage]:
    """Documents as passages that name the document they are from, two of one id the same."""
    return [
        _of_document(passage, document, document_key)
        for passage, document in zip(to_passages(documents), documents, strict=True)
    ]


def _of_document(passage: Passage, document: Document, document_key: str | None) -> Passage:
    known = passage.metadata
    name = known.get("document_id", document.id or passage.id)
    named = {"document_id": known.get(document_key, name) if document_key else name}
    return replace(passage, metadata={**known, **named})


def _of_message(said: Said, message: AIMessage) -> Said:
    calls: tuple[ToolCall, ...] = (*said.tool_calls, *tool_calls(message))
    end = ended(message) if said.finish_reason == "stop" else said.finish_reason
    tokens = said.tokens or total_tokens(message) or None
    return replace(said, text=str(message.text), tool_calls=calls, finish_reason=end, tokens=tokens)


def _kept(output: Any, passed: Sequence[str]) -> Any:
    if isinstance(output, AIMessage):
        return to_kept(output)
    if isinstance(output, Mapping):
        return {k: None if k in passed else _kept(v, ()) for k, v in output.items()}
    return list(output) if isinstance(output, tuple) and _all_documents(output) else output


def _served(value: Any, answer: Answer) -> Any:
    return to_served(value, answer) if isinstance(value, AIMessage) else value


def _came(key: str, value: Any, given: Any) -> bool:
    """Whether a value of the output is only the chain's input again."""
    came = given.get(key) if isinstance(given, Mapping) else given
    if isinstance(value, str):
        return isinstance(came, str) and value == came
    return value is not None and value is came


def _documents(output: Any) -> list[Document] | None:
    """The documents among an output's values; `None` when no value is a list of them."""
    if not isinstance(output, Mapping):
        return None
    shelves = [v for v in output.values() if isinstance(v, list | tuple) and _all_documents(v)]
    return [document for shelf in shelves for document in shelf] if shelves else None


def _all_documents(values: Sequence[object]) -> bool:
    return bool(values) and all(isinstance(value, Document) for value in values)
