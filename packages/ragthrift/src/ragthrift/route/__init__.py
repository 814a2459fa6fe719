"""The cheapest model that answers well enough: chosen, checked, and calibrated to a target."""

from ragthrift.provider_cache import MARKERS, without_cache_markers
from ragthrift.route.ask import Ask, ask_of
from ragthrift.route.breaker import CircuitBreaker
from ragthrift.route.call import (
    Attempt,
    AttemptCall,
    AttemptRecord,
    AttemptStream,
    Call,
    Finding,
    Piece,
    Routed,
)
from ragthrift.route.checks import (
    CHECKS,
    Agreement,
    Answered,
    Check,
    Grounded,
    GroundingScore,
    agreement,
)
from ragthrift.route.curve import Curve, Interval, Point
from ragthrift.route.dominated import Dominated
from ragthrift.route.escalation import EscalationModel
from ragthrift.route.faults import charged, fault_of
from ragthrift.route.grounding import Grounding, grounding
from ragthrift.route.learned import LearnedQuality
from ragthrift.route.learned_escalation import LearnedEscalation
from ragthrift.route.log import Bill, OutcomeLog
from ragthrift.route.outcome import Outcome
from ragthrift.route.quality import QualityModel
from ragthrift.route.record import record_of
from ragthrift.route.recovery import Recovery
from ragthrift.route.refusal import refusal
from ragthrift.route.report import RouteReport, report_of, route_report
from ragthrift.route.router import Hold, Router
from ragthrift.route.shadow import Judge, agrees_with_strongest
from ragthrift.route.targets import Budget, Quality, Rate
from ragthrift.route.weighing import Explanation

__all__ = [
    "CHECKS",
    "MARKERS",
    "Agreement",
    "Answered",
    "Ask",
    "Attempt",
    "AttemptCall",
    "AttemptRecord",
    "AttemptStream",
    "Bill",
    "Budget",
    "Call",
    "Check",
    "CircuitBreaker",
    "Curve",
    "Dominated",
    "EscalationModel",
    "Explanation",
    "Finding",
    "Grounded",
    "Grounding",
    "GroundingScore",
    "Hold",
    "Interval",
    "Judge",
    "LearnedEscalation",
    "LearnedQuality",
    "Outcome",
    "OutcomeLog",
    "Piece",
    "Point",
    "Quality",
    "QualityModel",
    "Rate",
    "Recovery",
    "RouteReport",
    "Routed",
    "Router",
    "agreement",
    "agrees_with_strongest",
    "ask_of",
    "charged",
    "fault_of",
    "grounding",
    "record_of",
    "refusal",
    "report_of",
    "route_report",
    "without_cache_markers",
]
