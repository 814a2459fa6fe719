"""The model that answers in the demo: Gemma 3 270M, a base model, taught by two examples."""

from ragthrift.local import gemma_3_270m, load_model, plain_text
from ragthrift.protocols import LLM

PROMPT = """\
Answer with a short phrase from the context.

Context:
The depot in Harlow closes at 18:15. Spare keys are kept in box 7.

Question: Where can I find a second key?
Answer: box 7

Context:
A courier from Swiftlane collects parcels at 16:40. Parcels above 30 kg need form P-4.

Question: Which company picks up the parcels?
Answer: Swiftlane

Context:
{context}

Question: {question}
Answer:"""

MAX_TOKENS = 24
STOP = ["\n"]


def load_reader() -> LLM:
    """Load the model; it keeps only the last prompt, so that every prompt is timed alike."""
    return load_model(gemma_3_270m(), prompt_format=plain_text, n_ctx=4096, slots=1, cache_mib=0)
