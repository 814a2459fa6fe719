"""Put a cache around a LangChain chain: hits skip retrieval and model, changes are noticed."""

from langchain_classic.chains import create_retrieval_chain
from langchain_core.documents import Document
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda

from langchain_ragthrift import ChatLocal, SemanticCache
from ragthrift.cache import Rules, ServingPolicy
from ragthrift.embed import minilm
from ragthrift.testing import ScriptedLLM

LEAVE = Document(
    "Everyone has 27 days of annual leave.", id="p3", metadata={"source": "leave.md", "page": 3}
)


class Shelf(BaseRetriever):
    """Stands in for a vector store."""

    def _get_relevant_documents(self, query, *, run_manager):
        return [LEAVE]


llm = ScriptedLLM(["You have 27 days of annual leave.", "You have 30 days of annual leave."])
prompt = ChatPromptTemplate.from_messages([("system", "{context}"), ("human", "{input}")])
generate = prompt | ChatLocal(llm=llm, model_name="scripted")
chain = create_retrieval_chain(Shelf(), generate | RunnableLambda(lambda message: message.text))

unaudited = ServingPolicy(audit_share=0)  # by default two hits in a hundred are asked again
cache = SemanticCache(minilm(), rules=Rules(declared=("tenant",)), policy=unaudited)
cached = cache.wrap(
    chain,
    question="input",
    scope=lambda _, config: {"tenant": config["configurable"]["tenant"], "model": "scripted"},
    document_key="source",
)
config = {"configurable": {"tenant": "skarnholt"}}

for question in (
    "How many days of annual leave do I get?",
    "How many annual leave days do I get?",
):
    state = cached.invoke({"input": question}, config)
    page = state["context"][0].metadata["page"]
    print(f"{question}\n  {state['answer']} (page {page})")

print("streamed: ", end="")
for chunk in cached.stream({"input": "How many days of annual leave do I get?"}, config):
    print(chunk.get("answer", ""), end="|" if "answer" in chunk else "")

gone = cache.invalidate(document_id="leave.md")
state = cached.invoke({"input": "How many days of annual leave do I get?"}, config)
print(f"\nleave.md changed, {gone} answer forgotten: {state['answer']}")
print(cache.counters)
cache.close()
