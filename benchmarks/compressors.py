"""Ways to shorten passages, ours and others', by name: each takes a rate and returns a function.

Peers get the same MiniLM as ours where they take an encoder, and the same budget in tokens of
o200k_base where they take one.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from ragthrift import Budget, InputError, Passage
from ragthrift.compress import (
    EmbeddingReader,
    EvidenceReader,
    ExtractiveCompressor,
    Limits,
    LLMLinguaCompressor,
    SentencePruner,
    units,
)
from ragthrift.compress.clip import clip
from ragthrift.embed import minilm
from ragthrift.tokens import OpenAITokens
from ragthrift_bench.cases import Case

Compress = Callable[[Case], Sequence[Passage]]
Maker = Callable[[float], Compress]

LLMLINGUA_FOLDER = "RAGTHRIFT_LLMLINGUA"
"""Names the folder of a token classifier, since the published ones lie on a hub."""


def load(name: str, rate: float) -> Compress:
    """A way by its name, keeping one token in `rate`."""
    return {**COMPRESSORS, **PEERS}[name](rate)


def embedding(rate: float) -> Compress:
    """SentencePruner on MiniLM: meaning and words, passage and sentence."""
    pruner = SentencePruner(
        EmbeddingReader(minilm()), Limits(rate=1 / rate), token_counter=OpenAITokens()
    )
    return lambda case: pruner.compress(case.question, case.passages)


def evidence(rate: float) -> Compress:
    """SentencePruner on the evidence reader."""
    pruner = SentencePruner(EvidenceReader(), Limits(rate=1 / rate), token_counter=OpenAITokens())
    return lambda case: pruner.compress(case.question, case.passages)


def extractive(rate: float) -> Compress:
    """ExtractiveCompressor: words only."""
    compressor = ExtractiveCompressor(Limits(rate=1 / rate), token_counter=OpenAITokens())
    return lambda case: compressor.compress(case.question, case.passages)


def first_tokens(rate: float) -> Compress:
    """The passages as they were retrieved, up to the budget."""
    return lambda case: _up_to(case.passages, _budget(case, rate))


def best_passages(rate: float) -> Compress:
    """The passages by MiniLM's cosine, up to the budget."""

    def compress(case: Case) -> Sequence[Passage]:
        cosines = _cosines(case.question, [passage.text for passage in case.passages])
        ranked = sorted(zip(cosines, case.passages, strict=True), key=lambda pair: -pair[0])
        return _up_to([passage for _, passage in ranked], _budget(case, rate))

    return compress


def best_sentences(rate: float) -> Compress:
    """The sentences of all passages by MiniLM's cosine alone, up to the budget."""

    def compress(case: Case) -> Sequence[Passage]:
        sentences = [sentence for passage in case.passages for sentence in _sentences(passage)]
        cosines = _cosines(case.question, [sentence.text for sentence in sentences])
        ranked = sorted(zip(cosines, sentences, strict=True), key=lambda pair: -pair[0])
        return _up_to([sentence for _, sentence in ranked], _budget(case, rate))

    return compress


def self_information(rate: float) -> Compress:
    """The sentences that surprise SmolLM2 most, up to the budget; the question is not read."""
    from benchmarks.self_information import surprisals

    def compress(case: Case) -> Sequence[Passage]:
        told = [value for passage in case.passages for value in surprisals(passage.text)]
        sentences = [sentence for passage in case.passages for sentence in _sentences(passage)]
        ranked = sorted(zip(told, sentences, strict=True), key=lambda pair: -pair[0])
        return _up_to([sentence for _, sentence in ranked], _budget(case, rate))

    return compress


def sentence_embedding_optimizer(rate: float) -> Compress:
    """LlamaIndex's postprocessor; it takes a share of sentences, not of tokens."""
    from llama_index.core.postprocessor import SentenceEmbeddingOptimizer
    from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

    optimizer = SentenceEmbeddingOptimizer(
        embed_model=_llama_index_minilm(),
        percentile_cutoff=1 / rate,
        tokenizer_fn=lambda text: [text[unit.start : unit.end] for unit in units(text)],
    )

    def compress(case: Case) -> Sequence[Passage]:
        nodes = [
            NodeWithScore(node=TextNode(text=passage.text, id_=passage.id), score=1.0)
            for passage in case.passages
        ]
        kept = optimizer.postprocess_nodes(nodes, query_bundle=QueryBundle(case.question))
        return [Passage(node.node.get_content(), node.node.node_id) for node in kept]

    return compress


def trimwise(rate: float) -> Compress:
    """Trimwise's hybrid strategy with MiniLM's vectors."""
    from trimwise import Trimmer

    def vectors(query: str, passages: Sequence[str]) -> tuple[Any, Any]:
        made = minilm().embed([query, *passages])
        return made[0], made[1:]

    trimmer = Trimmer(embedding_callback=vectors)

    def compress(case: Case) -> Sequence[Passage]:
        found = trimmer.trim_context(
            [passage.text for passage in case.passages],
            _budget(case, rate),
            strategy="hybrid",
            query=case.question,
            token_counter=OpenAITokens().count,
        )
        return [Passage(source.text, str(source.source_index)) for source in found.sources]

    return compress


def ragcompress(rate: float) -> Compress:
    """Ragcompress's choice and order of sentences, scored by MiniLM's cosine.

    Its own scorer downloads a cross-encoder from a hub.
    """
    from ragcompress import Chunk, Compressor, FixedBudget

    scorer = _ragcompress_scorer()

    def compress(case: Case) -> Sequence[Passage]:
        budget = FixedBudget(max_tokens=_budget(case, rate))
        chunks = [Chunk(passage.id, passage.id, passage.text) for passage in case.passages]
        made = Compressor(scorer, budget, token_counter=OpenAITokens().count)
        return [Passage(made.compress(case.question, chunks).text, "all")]

    return compress


def llmlingua_2(rate: float) -> Compress:
    """LLMLingua-2 with the token classifier in the folder of RAGTHRIFT_LLMLINGUA."""
    folder = os.environ.get(LLMLINGUA_FOLDER)
    if folder is None:
        raise InputError(f"name the folder of a token classifier in {LLMLINGUA_FOLDER}")
    compressor = LLMLinguaCompressor(folder, rate=1 / rate)
    return lambda case: compressor.compress(case.question, case.passages)


COMPRESSORS: Mapping[str, Maker] = {
    "evidence": evidence,
    "embedding": embedding,
    "extractive": extractive,
}
PEERS: Mapping[str, Maker] = {
    "first tokens": first_tokens,
    "best passages": best_passages,
    "best sentences": best_sentences,
    "self-information": self_information,
    "SentenceEmbeddingOptimizer": sentence_embedding_optimizer,
    "trimwise": trimwise,
    "ragcompress": ragcompress,
    "LLMLingua-2": llmlingua_2,
}


def _budget(case: Case, rate: float) -> int:
    count = OpenAITokens().count
    return Budget(int(sum(count(passage.text) for passage in case.passages) / rate)).tokens


def _sentences(passage: Passage) -> list[Passage]:
    return [passage.with_text(passage.text[unit.start : unit.end]) for unit in units(passage.text)]


def _cosines(question: str, texts: Sequence[str]) -> list[float]:
    vectors = minilm().embed([question, *texts])
    return [float(cosine) for cosine in vectors[1:] @ vectors[0]]


def _up_to(passages: Sequence[Passage], budget: int) -> list[Passage]:
    """Whole passages while they fit, and the beginning of the next one, cut after a word."""
    counter, kept, room = OpenAITokens(), [], budget
    for passage in passages:
        span = clip(passage.text, (0, len(passage.text)), room, counter)
        if span is None:
            break
        kept.append(passage.with_text(passage.text[: span[1]]))
        room -= counter.count(kept[-1].text)
        if span[1] < len(passage.text):
            break
    return kept


@cache
def _llama_index_minilm() -> Any:
    from llama_index.core.base.embeddings.base import BaseEmbedding

    class MiniLM(BaseEmbedding):
        def _get_text_embedding(self, text: str) -> list[float]:
            return [float(value) for value in minilm().embed([text])[0]]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return [[float(value) for value in row] for row in minilm().embed(texts)]

        def _get_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

    return MiniLM()


@cache
def _ragcompress_scorer() -> Any:
    from dataclasses import replace

    from ragcompress import BaseScorer

    class MiniLM(BaseScorer):  # type: ignore[misc]
        def score(self, query: str, sentences: Sequence[Any], context: object) -> list[Any]:  # noqa: ARG002
            cosines = _cosines(query, [sentence.text for sentence in sentences])
            return [
                replace(sentence, score=max(cosine, 0.0))
                for sentence, cosine in zip(sentences, cosines, strict=True)
            ]

    return MiniLM()
