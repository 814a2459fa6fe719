"""Answers in Redis or Valkey, shared by many machines; see `store`."""
