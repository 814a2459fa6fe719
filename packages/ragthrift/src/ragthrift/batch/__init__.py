"""Many requests at half the price, for those who can wait: providers' batches behind one door."""

from ragthrift.batch.anthropic_batches import AnthropicBatches
from ragthrift.batch.local_batches import LocalBatches
from ragthrift.batch.openai_batches import OpenAIBatches
from ragthrift.batch.pace import BusyError, NotNowError, Pace, RefusedError
from ragthrift.batch.provider import BatchProvider, Limits, Line, Sending, Status
from ragthrift.batch.request import BatchRequest, BatchResult, Progress
from ragthrift.batch.runner import BatchRunner, Job
from ragthrift.batch.vllm_batches import VLLMBatches, run_vllm

__all__ = [
    "AnthropicBatches",
    "BatchProvider",
    "BatchRequest",
    "BatchResult",
    "BatchRunner",
    "BusyError",
    "Job",
    "Limits",
    "Line",
    "LocalBatches",
    "NotNowError",
    "OpenAIBatches",
    "Pace",
    "Progress",
    "RefusedError",
    "Sending",
    "Status",
    "VLLMBatches",
    "run_vllm",
]
