"""The `ragthrift` command. Its subcommands come from the installed parts of ragthrift."""

from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from ragthrift.errors import missing_extra

if TYPE_CHECKING:
    import typer

COMMANDS = "ragthrift.commands"
"""The entry-point group in which an installed distribution offers a subcommand: a function, or a
typer application with commands of its own."""


def main() -> None:
    """Run the subcommand that the arguments name."""
    application()()


def application() -> "typer.Typer":
    """The command with every subcommand that is installed."""
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
        command = entry.load()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=entry.name)
        else:
            app.command(entry.name)(command)
    return app


def _stay_a_group() -> None:
    """Without a callback, typer would make the only subcommand the whole program."""
