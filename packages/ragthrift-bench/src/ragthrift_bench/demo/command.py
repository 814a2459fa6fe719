"""`ragthrift demo`."""
