"""Benchmarks as commands: each prints one JSON object as its last line."""
