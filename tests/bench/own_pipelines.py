"""Applications as users write them: nothing in here knows of a benchmark."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from langchain_classic.chains import create_retrieval_chain
from langchain_classic.chains.combine_documents import create_stuff_documents_chain
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, PromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough
from llama_index.core import Document as LlamaDocument
from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.chat_engine.types import ChatMode
from llama_index.core.llms import LLM
from llama_index.core.query_engine import BaseQueryEngine

from langchain_ragthrift import ChatLocal, RagthriftCompressor
from llama_index_ragthrift import LocalLLM, RagthriftPostprocessor
from ragthrift import Message, Passage
from ragthrift.testing import ScriptedLLM

TEXTS = (
    "Payday is the 25th.",
    "The canteen opens at 11:30.",
    "Dogs are not allowed.",
    "The car park closes at 20:00.",
)
PROMPT = "Use the context.\n\n{context}\n\nQuestion: {question}"


def answer(messages: Sequence[Message]) -> str:
    """When something opens, if that was sent."""
    sent = " ".join(message.content for message in messages)
    time = sent.partition("opens at ")[2].partition(". ")[0].split()
    return f"At {time[0].strip('.')}." if time else "I do not know."


class Documents(BaseRetriever):
    """Returns the first documents, whatever is asked."""

    k: int = 4

    def _get_relevant_documents(self, query: str, **rest: Any) -> list[Document]:
        return [Document(text, id=text) for text in TEXTS[: self.k]]


def chat_model() -> BaseChatModel:
    return ChatLocal(llm=ScriptedLLM(answer, model="clock-1"), model_name="clock-1")


join = RunnableLambda[Any, Any](lambda documents: "\n".join(d.page_content for d in documents))
prompt = ChatPromptTemplate.from_messages([("system", "Be short."), ("human", PROMPT)])


def chain() -> Runnable[Any, Any]:
    """The chain of LangChain's own guide: a text in, a text out."""
    given = {"context": Documents() | join, "question": RunnablePassthrough()}
    return given | prompt | chat_model() | StrOutputParser()


def short_chain() -> Runnable[Any, Any]:
    given = {"context": Documents(k=2) | join, "question": RunnablePassthrough()}
    return given | prompt | chat_model() | StrOutputParser()


def chain_of_an_object() -> Runnable[Any, Any]:
    question: Runnable[Any, Any] = RunnableLambda(itemgetter("question"))
    given = {"context": question | Documents() | join, "question": question}
    return given | prompt | chat_model()


def chain_that_returns_all() -> Runnable[Any, Any]:
    found: Runnable[Any, Any] = RunnablePassthrough.assign(
        context=lambda state: join.invoke(Documents().invoke(state["question"]))
    )
    return found | RunnablePassthrough.assign(answer=prompt | chat_model())


def retrieval_chain() -> Runnable[Any, Any]:
    asked = ChatPromptTemplate.from_messages([("human", "{context}\n\n{input}")])
    answered = create_stuff_documents_chain(chat_model(), asked)
    made: Runnable[Any, Any] = create_retrieval_chain(Documents(), answered)
    return made


def chain_without_retrieval() -> Runnable[Any, Any]:
    """Takes the passages of the case."""
    return PromptTemplate.from_template(PROMPT) | chat_model()


def function_of_the_question() -> Callable[[str], str]:
    inner = chain()
    return lambda question: str(inner.invoke(question))


def with_steps(steps: Any) -> Runnable[Any, Any]:
    retriever = ContextualCompressionRetriever(
        base_compressor=RagthriftCompressor(steps=steps), base_retriever=Documents()
    )
    given = {"context": retriever | join, "question": RunnablePassthrough()}
    return given | prompt | chat_model() | StrOutputParser()


def agent() -> object:
    from langchain.agents import create_agent

    return create_agent(chat_model(), tools=[], system_prompt="The canteen opens at 11:30.")


def llama_llm() -> LLM:
    return LocalLLM(ScriptedLLM(answer, model="clock-1"))


def index() -> VectorStoreIndex:
    documents = [LlamaDocument(text=text) for text in TEXTS]
    return VectorStoreIndex.from_documents(documents, embed_model=MockEmbedding(embed_dim=8))


def query_engine() -> BaseQueryEngine:
    return index().as_query_engine(llm=llama_llm(), similarity_top_k=4)


def tree_engine() -> BaseQueryEngine:
    """Asks its model several times for one question."""
    return index().as_query_engine(llm=llama_llm(), similarity_top_k=4, response_mode="accumulate")


def streaming_engine() -> BaseQueryEngine:
    return index().as_query_engine(llm=llama_llm(), similarity_top_k=4, streaming=True)


def engine_with_steps(steps: Any) -> BaseQueryEngine:
    return index().as_query_engine(
        llm=llama_llm(),
        similarity_top_k=4,
        node_postprocessors=[RagthriftPostprocessor(steps=steps)],
    )


def chat_engine() -> object:
    return index().as_chat_engine(chat_mode=ChatMode.CONTEXT, llm=llama_llm(), similarity_top_k=4)


def llama_agent() -> object:
    from llama_index.core.agent.workflow import ReActAgent

    return ReActAgent(llm=LocalLLM(ScriptedLLM("Thought: I know.\nAnswer: At 11:30.")), tools=[])


def no_model() -> Callable[[str], str]:
    return lambda question: "At 11:30."


def a_number() -> int:
    return 7


def a_number_for_an_answer() -> Runnable[Any, Any]:
    return chain() | RunnableLambda(lambda text: 7)


def needs_more(steps: object, index: object) -> None:
    """Not a pipeline."""


def best_first() -> Callable[[str, Sequence[Passage]], list[Passage]]:
    """A step of the user's own: only what opens stays."""
    return lambda query, passages: [p for p in passages if "opens" in p.text] or list(passages)


def own_model() -> object:
    return ScriptedLLM(answer, model="clock-2")


def own_langchain_model() -> BaseChatModel:
    return chat_model()


def own_llama_index_model() -> LLM:
    return llama_llm()
