"""Language models on this machine; nothing heavy is imported before a model is loaded."""

from ragthrift.local.gguf import GGUFHeader, read_gguf
from ragthrift.local.llama_cpp import LlamaCppLLM
from ragthrift.local.models import gemma_3_270m, smollm2_135m
from ragthrift.local.prompts import PromptFormat, plain_text

__all__ = [
    "GGUFHeader",
    "LlamaCppLLM",
    "PromptFormat",
    "gemma_3_270m",
    "plain_text",
    "read_gguf",
    "smollm2_135m",
]
