"""Words with a full stop that may end no sentence, and words that open one."""

_BEFORE_NAMES = """
    mr mrs ms mx dr prof rev fr sr st gen col maj capt lt sgt cmdr adm hon pres gov sen rep messrs
    mme mlle vs v cf e.g i.e ca al viz resp bzw z.b d.h u.a
"""
_BEFORE_NUMBERS = """
    no nos nr fig figs vol vols p pp ch chap sec art eq ref refs tab par para §
"""
_MAYBE_LAST = """
    etc inc ltd co corp llc bros jr dept est approx min max avg univ assn ave blvd rd a.m p.m
    jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun
"""
_STARTERS = """
    the a an it he she they we i you this that these those there in on at by for from to of as but
    and or so if when while after before since its his her their our my however although what who
    why how where which no yes not both all some many most each
"""

BEFORE_NAMES = frozenset(_BEFORE_NAMES.split())
"""Never end a sentence."""
BEFORE_NUMBERS = frozenset(_BEFORE_NUMBERS.split())
"""End no sentence before a digit."""
MAYBE_LAST = frozenset(_MAYBE_LAST.split())
"""End a sentence before a word that opens one."""
STARTERS = frozenset(_STARTERS.split())
"""Open sentences: after an initial or an acronym only these make a new one."""
