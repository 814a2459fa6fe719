"""The compressor where LangChain's users put it: retrievers, compressor pipelines and chains."""

import copy
from collections.abc import Sequence

from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_classic.retrievers.document_compressors import DocumentCompressorPipeline
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_text_splitters import CharacterTextSplitter

from langchain_ragthrift import ChatLocal, RagthriftCompressor
from ragthrift import Passage
from tests.langchain.fakes import EchoLLM, Shelf, keep

HANDBOOK = [
    Document("The canteen opens at eleven.", id="1", metadata={"page": 4}),
    Document("Parking is free.", id="2", metadata={"page": 9, "relevance_score": 99}),
    Document("Parking is free.", id="2", metadata={"page": 10}),
    Document("The canteen is in the basement."),
]


def by_shared_words(query: str, passages: Sequence[Passage]) -> list[Passage]:
    words = set(query.lower().split())
    scored = [p.with_score(len(words & set(p.text.lower().split()))) for p in passages]
    return [p for p in sorted(scored, key=lambda p: -(p.score or 0)) if p.score]


CANTEEN = [
    Document("The canteen is in the basement.", metadata={"relevance_score": 3.0}),
    Document("The canteen opens at eleven.", id="1", metadata={"page": 4, "relevance_score": 2.0}),
]
QUESTION = "In the basement canteen"


async def test_contextual_compression_retriever() -> None:
    before = copy.deepcopy(HANDBOOK)
    retriever = ContextualCompressionRetriever(
        base_compressor=RagthriftCompressor([by_shared_words]),
        base_retriever=Shelf(documents=HANDBOOK),
    )
    assert retriever.invoke(QUESTION) == CANTEEN
    assert await retriever.ainvoke(QUESTION) == CANTEEN
    assert retriever.batch([QUESTION] * 3) == [CANTEEN] * 3
    assert await retriever.abatch([QUESTION] * 3) == [CANTEEN] * 3
    assert before == HANDBOOK


async def test_document_compressor_pipeline() -> None:
    splitter = CharacterTextSplitter(separator=".", chunk_size=30, chunk_overlap=0)
    pipeline = DocumentCompressorPipeline(
        transformers=[
            splitter,
            RagthriftCompressor([keep("Parking is free")]),
            RagthriftCompressor([lambda query, passages: passages[1:]]),
        ]
    )
    parking = [Document("Parking is free", metadata={"page": 10})]
    assert pipeline.compress_documents(HANDBOOK, QUESTION) == parking
    assert await pipeline.acompress_documents(HANDBOOK, QUESTION) == parking


async def test_a_chain_from_question_to_answer() -> None:
    llm = EchoLLM()
    retriever = ContextualCompressionRetriever(
        base_compressor=RagthriftCompressor([by_shared_words]),
        base_retriever=Shelf(documents=HANDBOOK),
    )
    chain = (
        {
            "context": retriever | (lambda documents: "\n".join(d.page_content for d in documents)),
            "question": RunnablePassthrough(),
        }
        | ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{context}?")])
        | ChatLocal(llm=llm, model_name="echo")
        | StrOutputParser()
    )
    answer = "The canteen is in the basement.\nThe canteen opens at eleven.?"
    assert chain.invoke(QUESTION) == answer
    assert await chain.ainvoke(QUESTION) == answer
    assert "".join(chain.stream(QUESTION)) == answer
    assert "".join([piece async for piece in chain.astream(QUESTION)]) == answer
    assert [message.role for message in llm.calls[0][0]] == ["system", "user"]
