"""How the keep head was trained: seeded, repeatable, never part of the wheel.

Run from `packages/ragthrift-models`: `python -m training.train`, then `training.evaluate` and
`training.export`.
"""
