"""A conversation's memory: nothing is forgotten, and little of it is sent."""

from ragthrift.memory.account import Account
from ragthrift.memory.extractive import ExtractiveSummariser
from ragthrift.memory.gate import worth_recalling
from ragthrift.memory.ladder import SummariserLadder
from ragthrift.memory.llm_summariser import LLMSummariser
from ragthrift.memory.logged_transcript import LoggedTranscript
from ragthrift.memory.memory import ConversationMemory
from ragthrift.memory.message_log import MessageLog
from ragthrift.memory.policy import Caching, Policy, Situation, Verdict, Watermarks
from ragthrift.memory.recall import Recall
from ragthrift.memory.recalling import Gate, Recaller
from ragthrift.memory.redis_transcript import RedisTranscript
from ragthrift.memory.report import MemoryReport
from ragthrift.memory.room import Room
from ragthrift.memory.segment import Fact, Segment
from ragthrift.memory.shared_prefix import SharedPrefixSummariser
from ragthrift.memory.sqlite_transcript import SqliteTranscript
from ragthrift.memory.state import ViewState
from ragthrift.memory.summariser import Summariser, Summary, SummaryError
from ragthrift.memory.transcript import Stored, Transcript
from ragthrift.memory.turn import Turn, turns_of

__all__ = [
    "Account",
    "Caching",
    "ConversationMemory",
    "ExtractiveSummariser",
    "Fact",
    "Gate",
    "LLMSummariser",
    "LoggedTranscript",
    "MemoryReport",
    "MessageLog",
    "Policy",
    "Recall",
    "Recaller",
    "RedisTranscript",
    "Room",
    "Segment",
    "SharedPrefixSummariser",
    "Situation",
    "SqliteTranscript",
    "Stored",
    "Summariser",
    "SummariserLadder",
    "Summary",
    "SummaryError",
    "Transcript",
    "Turn",
    "Verdict",
    "ViewState",
    "Watermarks",
    "turns_of",
    "worth_recalling",
]
