"""What the demo does: prepare questions, ask them in both frameworks, before and after."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rich.progress import Progress

from ragthrift import Usage
from ragthrift.embed import minilm
from ragthrift.protocols import LLM, Reranker
from ragthrift.rerank import HybridReranker, Keep
from ragthrift.tokens import OpenAITokens
from ragthrift_bench import handbook
from ragthrift_bench.billing import price
from ragthrift_bench.cases import Case
from ragthrift_bench.demo.langchain_rag import langchain_rag
from ragthrift_bench.demo.llama_index_rag import llama_index_rag
from ragthrift_bench.demo.measure import Application, RecordingLLM, Summary, measure
from ragthrift_bench.demo.table import BeforeAfter
from ragthrift_bench.progress import step
from ragthrift_bench.reader import load_reader
from ragthrift_bench.retrieval import Retrieve, faiss_retriever
from ragthrift_bench.sets import nq

RETRIEVED = 10
DOZEN = 12

Builder = Callable[[Retrieve, LLM, Reranker | None], Application]

FRAMEWORKS: dict[str, Builder] = {"LangChain": langchain_rag, "LlamaIndex": llama_index_rag}


@dataclass(frozen=True, slots=True)
class Demo:
    """The options of a run."""

    data: Path | None
    """NQ-open with gold passages; `None` for the handbook."""
    every: bool
    top_k: int
    model: str
    seed: int

    def run(self, progress: Progress) -> dict[str, BeforeAfter]:
        """Ask every question four times; the result is by framework."""
        price(Usage(1, 1), self.model, date.today())
        with step(progress, "reading the passages and the encoder"):
            cases, retrieve = self._questions()
            lever = HybridReranker(minilm(), keep=Keep(top_k=self.top_k))
        with step(progress, "loading the model that answers"):
            calls = RecordingLLM(load_reader())
        bar = progress.add_task("answering", total=2 * len(FRAMEWORKS) * len(cases))

        def ask(build: Builder, chosen: Reranker | None) -> Summary:
            application = build(retrieve, calls, chosen)
            rows = []
            for row in measure(
                application, cases, calls=calls, counter=OpenAITokens(), model=self.model
            ):
                rows.append(row)
                progress.advance(bar)
            return Summary.of(rows)

        return {name: (ask(build, None), ask(build, lever)) for name, build in FRAMEWORKS.items()}

    def _questions(self) -> tuple[list[Case], Retrieve]:
        limit = None if self.every else DOZEN
        if self.data is None:
            cases = list(handbook.questions()[:limit])
            return cases, faiss_retriever(handbook.passages(), minilm(), RETRIEVED)
        cases = nq.cases(self.data, passages=RETRIEVED, seed=self.seed, limit=limit)
        by_question = {case.question: list(case.passages) for case in cases}
        return cases, by_question.__getitem__
