"""What the decision believes before its first label.

Fitted by `python -m benchmarks.cache_prior` on the development halves of fow_pairs (PyPI fow-cache
0.1.0, CC BY 4.0) and of Banking77's training file (PolyAI, Casanueva et al., 2020, CC BY 4.0), with
signs fixed so that no difference ever speaks for serving.
"""

SET_BY_HAND = {"record": 4.0}
"""No data holds audited records of entries: one wrong serving costs 0.76 of log odds."""

COEFFICIENTS: dict[str, float] = {
    "similarity": 6.692,
    "nearness": 1.081,
    "support": 4.913,
    "rival": -0.215,
    "rival_support": -3.076,
    "agreement": 0.0,
    "group_size": 1.747,
    "record": 4.0,
    "covered": 0.577,
    "swapped": 0.0,
    "added": 0.0,
    "slot": -3.455,
    "inserted": -1.813,
    "numbers": -5.505,
    "number_added": -1.549,
    "identifiers": -1.47,
    "calendar": 0.0,
    "negation": -0.964,
    "opposites": -2.032,
    "names": -2.612,
    "name_added": -1.311,
    "audience": -0.491,
    "order": -4.516,
    "kind": 0.0,
    "length": 0.0,
    "same": 0.861,
}  # fmt: skip
"""Log odds a unit of each feature of `features.NAMES`."""
BIAS = -5.321
