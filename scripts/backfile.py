"""The `backfile` command. Results go to stdout, progress and errors to stderr.

Exit codes: 0 done, 1 nothing found or some files refused, 2 an error, in one line,
130 interrupted.
"""

import sys
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple

import click

from backfile.archive.model.errors import ArchiveError, shortage_of


class Summary(NamedTuple):
    """The module that a command is in, and what it does in a line of a terminal (63 characters)."""

    module: str
    text: str


COMMANDS = {
    "index": Summary("commands.index", "Read files and folders, and index their articles."),
    "follow": Summary("commands.follow", "Fetch feeds, and index the articles that are new."),
    "search": Summary("commands.search", "Find articles by words and by meaning."),
    "export": Summary("commands.search", "Write all hits of a search as a table, or as citations."),
    "show": Summary("commands.search", "Print an article, its history, or related coverage."),
    "collections": Summary("commands.collections", "List, show and change collections."),
    "remove": Summary("commands.maintain", "Remove articles from the archive."),
    "status": Summary("commands.search", "Show what the archive holds."),
    "serve": Summary("commands.serve", "Serve the search page and the JSON API."),
    "mcp": Summary("commands.mcp", "Offer the archive to a language model."),
    "verify": Summary("commands.maintain", "Check the archive for damage, and repair it."),
    "rebuild": Summary("commands.maintain", "Make the indexes anew, without embedding again."),
    "reembed": Summary("commands.maintain", "Give the archive another model."),
    "reread": Summary("commands.index", "Read the files that were kept with today's readers."),
    "backup": Summary("commands.backup", "Copy the archive, while it is used or written to."),
    "restore": Summary("commands.backup", "Put a backup in the place of the archive."),
    "cluster": Summary(
        "commands.cluster", "Divide an archive into shards, and search them as one."
    ),
    "evaluate": Summary("commands.evaluate", "Measure the ranking on judged queries."),
    "tune": Summary("commands.tune", "Fit the ranking to judged queries."),
    "benchmark": Summary("bench.benchmark", "Measure the speed, in a checkout of the source."),
}
MEASUREMENTS = "backfile.scripts.bench"  # not in the installed package
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class Commands(click.Group):
    """A group that turns errors into one line and an exit code, and imports what is asked for.

    Importing all that any command needs takes longer than a search by words.
    """

    def list_commands(self, _: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        try:
            module = import_module(f"backfile.scripts.{COMMANDS[name].module}")
        except ModuleNotFoundError as exc:
            if not str(exc.name).startswith(MEASUREMENTS):
                raise
            return _only_in_a_checkout(name)
        command: click.Command = getattr(module, name)
        command.short_help = COMMANDS[name].text
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(context, args)
        except click.UsageError as exc:
            near = get_close_matches(args[0], COMMANDS, 1)
            if not near:
                raise
            raise click.UsageError(f"{exc.message} Did you mean '{near[0]}'?", context) from exc

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        with formatter.section("Commands"):
            listed = self.list_commands(context)
            formatter.write_dl([(name, COMMANDS[name].text) for name in listed])

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except ArchiveError as exc:
            click.echo(f"backfile: {exc}", err=True)
            context.exit(2)
        except BrokenPipeError:  # `backfile search … | head`
            sys.stderr.close()
            context.exit(0)
        except (OSError, MemoryError, ImportError) as exc:
            reason = shortage_of(exc) or (_in_one_line(exc) if isinstance(exc, OSError) else None)
            if not reason:
                raise
            click.echo(f"backfile: {reason}", err=True)
            context.exit(2)
        except KeyboardInterrupt:  # click itself would exit with 1, which says "some refused"
            click.echo("backfile: interrupted; run the same command again to go on", err=True)
            context.exit(INTERRUPTED)


def _only_in_a_checkout(name: str) -> click.Command:
    """Stand in for a command that the installed package lacks."""

    def refuse(_: tuple[str, ...]) -> None:
        raise ArchiveError(f"`backfile {name}` needs a checkout of the source, and runs there")

    rest = click.Argument(["_"], nargs=-1, type=click.UNPROCESSED)
    return click.Command(
        name,
        callback=refuse,
        params=[rest],
        context_settings={"ignore_unknown_options": True},
        help="Runs in a checkout of the source only.",
    )


def _in_one_line(exc: OSError) -> str:
    reason = " ".join((exc.strerror or str(exc) or type(exc).__name__).split())
    return f"{exc.filename}: {reason}" if exc.filename else reason


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="backfile")
def main() -> None:
    """Search a news archive by words and by meaning."""


if __name__ == "__main__":
    main()
