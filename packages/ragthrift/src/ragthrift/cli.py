"""The `ragthrift` command. Its subcommands come from the installed parts of ragthrift."""

from importlib.metadata import entry_points

from ragthrift.errors import missing_extra

COMMANDS = "ragthrift.commands"
"""The entry-point group in which an installed distribution offers a subcommand."""


def main() -> None:
    """Run the subcommand that the arguments name."""
    try:
        import typer
    except ImportError as error:
        missing_extra("cli", "typer", error)
    app = typer.Typer(
        help="Cut the bill of a RAG application without making its answers worse.",
        no_args_is_help=True,
        add_completion=False,
    )
    app.callback()(_stay_a_group)
    for entry in sorted(entry_points(group=COMMANDS), key=lambda entry: entry.name):
        app.command(entry.name)(entry.load())
    app()


def _stay_a_group() -> None:
    """Without a callback, typer would make the only subcommand the whole program."""
