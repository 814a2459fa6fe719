"""`python -m ragthrift` is the `ragthrift` command."""

from ragthrift.cli import main

main()
