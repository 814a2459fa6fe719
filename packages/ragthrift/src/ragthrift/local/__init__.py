"""Language models on this machine; nothing heavy is imported before a model is loaded."""

from ragthrift.local.batch_run import Outcome, run_batch
from ragthrift.local.embedder import LlamaCppEmbedder
from ragthrift.local.gguf import GGUFHeader, read_gguf
from ragthrift.local.llama_cpp import LlamaCppRuntime
from ragthrift.local.loading import load_model
from ragthrift.local.model import LocalModel
from ragthrift.local.models import gemma_3_270m, smollm2_135m
from ragthrift.local.prefixes import Prefixes
from ragthrift.local.prompts import PromptFormat, plain_text
from ragthrift.local.runtime import Ability, Runtime
from ragthrift.local.sampling import CallSettings, Request, Sampling

__all__ = [
    "Ability",
    "CallSettings",
    "GGUFHeader",
    "LlamaCppEmbedder",
    "LlamaCppRuntime",
    "LocalModel",
    "Outcome",
    "Prefixes",
    "PromptFormat",
    "Request",
    "Runtime",
    "Sampling",
    "gemma_3_270m",
    "load_model",
    "plain_text",
    "read_gguf",
    "run_batch",
    "smollm2_135m",
]
