"""The model that answers in the demo: Gemma 3 270M, a base model, taught by three examples to quote."""

from ragthrift.local import LlamaCppLLM, gemma_3_270m, plain_text
from ragthrift.protocols import LLM

PROMPT = """\
The depot closes at 18:15 on weekdays.
Spare keys are kept in box 7. A lost key costs 25 euros.
Vans are washed every Thursday.

Question: Where can I find a second key?
Answer: Spare keys are kept in box 7.

A courier from Swiftlane collects parcels at 16:40.
Parcels above 30 kg need form P-4 and two people to lift them.
The scale is checked once a year.

Question: Which form is needed for heavy parcels?
Answer: Parcels above 30 kg need form P-4.

Trainees eat for free.
The shop closes at 19:00 from October to March, and at 20:30 in summer.
Aprons are washed by the firm.

Question: Until when can I buy bread in winter?
Answer: The shop closes at 19:00 from October to March.

{context}

Question: {question}
Answer:"""

MAX_TOKENS = 32
STOP = ["\n"]


def load_reader() -> LLM:
    """Load the model; it keeps only the last prompt, so that every prompt is timed alike."""
    return LlamaCppLLM(gemma_3_270m(), prompt_format=plain_text, n_ctx=4096, cache_mib=0)
