"""A LlamaIndex chat engine that forgets nothing, sends little, and goes on after a restart."""

from pathlib import Path
from tempfile import TemporaryDirectory

from llama_index.core.chat_engine import SimpleChatEngine

from llama_index_ragthrift import LocalLLM, RagthriftMemory
from ragthrift import Completion, Usage

TALK = (
    "On day {n} we walked along the river to the old mill and counted {n} herons in the reeds.",
    "Lesson {n} of the painting course was about clouds, broad brushes and very thin paper.",
    "My neighbour mended fence number {n} and told me a long story about his uncle's boat.",
)


class StandIn:
    """Stands in for a language model: shows what it was sent."""

    def complete(self, messages, *, max_tokens=None, stop=()):
        """Answer with what the prompt says of the customer."""
        self.sent = messages
        known = any("4711" in message.content for message in messages)
        text = "Your customer id is 4711." if known else "I see, tell me more about that day."
        return Completion(text, Usage(len(messages), 8), "stand-in")


model = StandIn()
llm = LocalLLM(model, context_window=4096, max_tokens=256)

with TemporaryDirectory() as folder:
    path = str(Path(folder) / "talks.db")
    with RagthriftMemory.from_defaults(llm=llm, path=path, session="ann") as memory:
        engine = SimpleChatEngine.from_defaults(llm=llm, memory=memory)
        engine.chat("Hello, my customer id is 4711.")
        for n in range(120):
            engine.chat(TALK[n % 3].format(n=n))
        saved = memory.report()

    with RagthriftMemory.from_defaults(llm=llm, path=path, session="ann") as memory:
        engine = SimpleChatEngine.from_defaults(llm=llm, memory=memory)
        print(engine.chat("What is my customer id?"))
        print(f"{len(memory.get_all())} messages are kept, {len(model.sent)} were sent")

print(f"{saved.account.compactions} summaries; {saved.tokens.share:.0%} of the tokens were saved")
