"""What each kind of request costs in a LangChain application: one block around it, and a file."""

from pathlib import Path
from tempfile import TemporaryDirectory

from langchain_core.documents import Document
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnablePassthrough

from langchain_ragthrift import audit
from ragthrift.ledger import Prices, SqliteLedger

PAGES = [
    "Soup is served at noon. There is none in August.",
    "Bicycles stand in the yard behind the house.",
    "Keys are kept by the porter, who sleeps at night.",
]
USAGE = {
    "input_tokens": 4200,
    "output_tokens": 60,
    "total_tokens": 4260,
    "input_token_details": {"cache_read": 1024},
}
SAID = {"model_name": "gpt-5-mini", "model_provider": "openai", "finish_reason": "stop"}


class Pages(BaseRetriever):
    """Stands in for a vector store."""

    def _get_relevant_documents(self, query, *, run_manager):
        return [Document(text, id=str(page)) for page, text in enumerate(PAGES)]


def answers():
    """Stands in for a provider, with what it bills."""
    while True:
        yield AIMessage("Soup is at noon.", usage_metadata=USAGE, response_metadata=SAID)


template = ChatPromptTemplate.from_messages(
    [("system", "Answer from these pages."), ("human", "{pages}\n\n{question}")]
)
pages = Pages() | (lambda found: "\n\n".join(page.page_content for page in found))
model = GenericFakeChatModel(messages=answers())
faq = {"pages": pages, "question": RunnablePassthrough()} | template | model

with TemporaryDirectory() as folder, SqliteLedger(Path(folder) / "calls.db") as ledger:
    with audit(ledger):
        for day in ("Monday", "Tuesday", "Friday"):
            faq.invoke(f"When is soup on {day}?", {"metadata": {"request_type": "faq"}})
        model.invoke("A title for this talk, please.", {"run_name": "titles"})

    prices = Prices()
    spent = {}
    for call in ledger.calls():
        spent.setdefault(call.request_type, []).append(prices.dollars(call))
    for request_type, dollars in spent.items():
        print(f"{request_type:8} {len(dollars)} calls  ${sum(dollars):.6f}")

    parts = next(ledger.calls(request_type="faq")).segments
    for part in parts:
        print(f"  {part.kind:9} {part.tokens:5} tokens  {'used' if part.used else ''}")
