"""What each kind of request costs in a LlamaIndex application: one line, and a file."""

from pathlib import Path
from tempfile import TemporaryDirectory

from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.instrumentation.dispatcher import instrument_tags
from llama_index.core.schema import TextNode

from llama_index_ragthrift import LedgerEvents, LocalLLM
from ragthrift import Completion, Usage
from ragthrift.ledger import OwnPrice, Prices, SqliteLedger

PAGES = {
    "soup": "Soup is served at noon. There is none in August.",
    "yard": "Bicycles stand in the yard behind the house.",
    "keys": "Keys are kept by the porter, who sleeps at night.",
}


class StandIn:
    """Stands in for a language model."""

    def complete(self, messages, *, max_tokens=None, stop=()):
        """Answer, and tell what was used."""
        words = sum(len(message.content.split()) for message in messages)
        return Completion("Soup is at noon.", Usage(words, 4, cache_read_tokens=5), "stand-in")


llm = LocalLLM(StandIn(), model_name="stand-in")
index = VectorStoreIndex(
    [TextNode(id_=id_, text=text) for id_, text in PAGES.items()],
    embed_model=MockEmbedding(embed_dim=4),
)
engine = index.as_query_engine(llm=llm, similarity_top_k=3)

with TemporaryDirectory() as folder, SqliteLedger(Path(folder) / "calls.db") as ledger:
    events = LedgerEvents(ledger).install()
    for day in ("Monday", "Tuesday", "Friday"):
        engine.query(f"When is soup on {day}?")
    with instrument_tags({"request_type": "titles", "session": "ann"}):
        llm.complete("A title for this talk, please.")
    events.uninstall()

    prices = Prices({"stand-in": OwnPrice(input=0.25, output=2.0)})
    spent = {}
    for call in ledger.calls():
        spent.setdefault(call.request_type, []).append(prices.dollars(call))
    for request_type, dollars in spent.items():
        print(f"{request_type:22} {len(dollars)} calls  ${sum(dollars):.8f}")

    for part in next(ledger.calls()).segments:
        used = {True: "used", False: "not used", None: ""}[part.used]
        print(f"  {part.kind:9} {part.id:5} {part.tokens:4} tokens  {used}")
