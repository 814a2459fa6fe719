"""Each call goes to the cheapest chat model that answers well enough, and the bill says so."""

from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.prompts import ChatPromptTemplate

from langchain_ragthrift import RouterChatModel, tiers_of, with_passages
from ragthrift import Price
from ragthrift.route import Router

LEAVE = Document("Everyone has 27 days of annual leave.", id="leave.md")

models = {
    "cheap": FakeListChatModel(responses=["27 days.", "I'm sorry, I can't help with that."]),
    "strong": FakeListChatModel(responses=["27 days, of which 5 may be carried over."]),
}
prices = {"cheap": Price(0.1, 0.4), "strong": Price(3.0, 15.0)}
router = Router(tiers_of(models, prices))
prompt = ChatPromptTemplate.from_template("{context}\n\n{question}")
chain = with_passages(prompt | RouterChatModel(router=router, models=models), "context")

for question in ("How many days of annual leave do I get?", "How many of them can I carry over?"):
    answer = chain.invoke({"context": [LEAVE], "question": question})
    routing = answer.response_metadata["routing"]
    print(f"{question}\n  {answer.text} ({routing['reason']})")
    for attempt in routing["attempts"]:
        print(f"  {attempt['purpose']}: {attempt['tier']}, ${attempt['dollars']:.6f}")
