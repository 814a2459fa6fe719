"""A LlamaIndex query engine whose questions go to the cheapest LLM that answers well enough."""

from llama_index.core import Document, MockEmbedding, VectorStoreIndex

from llama_index_ragthrift import LocalLLM, RouterLLM, RoutingPostprocessor, tiers_of
from ragthrift import Completion, Price, Usage
from ragthrift.route import Router
from ragthrift_bench import handbook


class StandIn:
    """Stands in for a language model: knows some answers, and declines all else."""

    def __init__(self, name, knows):
        self.name, self.knows = name, knows

    def complete(self, messages, *, max_tokens=None, stop=()):
        """Answer by a word of the question."""
        prompt = messages[-1].content
        question = prompt.split("Query:")[-1]
        known = (answer for word, answer in self.knows.items() if word in question)
        text = next(known, "I'm sorry, I can't help with that.")
        return Completion(text, Usage(len(prompt) // 4, len(text) // 4), self.name)


leave = {"leave": "Full-time staff receive 27 days of paid annual leave per calendar year."}
hotel = {"hotel": "On business trips to other countries the hotel limit is 165 euros per night."}
llms = {
    "cheap": LocalLLM(StandIn("small", leave), model_name="small"),
    "strong": LocalLLM(StandIn("large", leave | hotel), model_name="large"),
}
prices = {"cheap": Price(0.1, 0.4), "strong": Price(3.0, 15.0)}
bill = []
router = Router(tiers_of(llms, prices), on_run=bill.append)

documents = [Document(text=p.text, id_=p.id) for p in handbook.passages()[:6]]
index = VectorStoreIndex.from_documents(documents, embed_model=MockEmbedding(embed_dim=8))
asking = index.as_query_engine(
    llm=RouterLLM(router, llms),
    similarity_top_k=6,
    node_postprocessors=[RoutingPostprocessor()],
)

for question in (
    "How many days of annual leave do I get?",
    "What may a hotel cost on a trip to another country?",
):
    print(f"{question}\n  {asking.query(question)}")
    for attempt in bill[-1].attempts:
        found = ", ".join(attempt.findings) or "nothing wrong"
        print(f"  {attempt.purpose}: {attempt.tier}, ${attempt.dollars:.6f}, {found}")
print(f"{len(bill)} questions, ${sum(routed.dollars for routed in bill):.6f}")
