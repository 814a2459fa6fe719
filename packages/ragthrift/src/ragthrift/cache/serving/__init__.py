"""Whether a stored answer may be served: calibrated, bounded, audited, explained.

`ServingPolicy` is the decision. It weighs how two questions differ in words and meaning and what
the neighbours' answers say, learns from every miss, and serves above a threshold that is either
expected or, when `max_error_rate` is set, certified to keep wrong answers below it.
"""

from ragthrift.cache.serving.answers import AnswersAgree, answers_agree
from ragthrift.cache.serving.neighbour import Agreement, Label, Neighbour, Serving
from ragthrift.cache.serving.opinion import SecondOpinion
from ragthrift.cache.serving.policy import ServingPolicy
from ragthrift.cache.serving.shadow import Interval, ShadowReport
from ragthrift.cache.serving.standalone import is_bare, is_standalone
from ragthrift.cache.serving.vetoes import Vetoes

__all__ = [
    "Agreement",
    "AnswersAgree",
    "Interval",
    "Label",
    "Neighbour",
    "SecondOpinion",
    "Serving",
    "ServingPolicy",
    "ShadowReport",
    "Vetoes",
    "answers_agree",
    "is_bare",
    "is_standalone",
]
