"""Options that several commands share, and the file or stream that output goes to."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import click

from backfile.archive.model.settings import Settings
from backfile.index.model.filters import FACETS

Command = Callable[..., Any]


class QueryCommand(click.Command):
    """A command whose arguments are the words of a query."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Say what to do where a word of the query was taken for an option."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as exc:
            if exc.possibilities:  # a misspelt option
                raise
            hint = f"A query with a word that begins with - needs -- before it: {ctx.command_path}"
            message = f"{exc.message} {hint} -- {' '.join(args)}"
            raise click.NoSuchOption(exc.option_name, message, ctx=ctx) from exc


trust_option = click.option(
    "--trust", is_flag=True, help="Open an archive that other users own or can write to."
)


def with_settings(command: Command) -> Command:
    """Add --archive and --trust, and call the command with the settings as its first argument."""

    @click.option(
        "--archive",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        help="The archive directory.  [default: $BACKFILE_ARCHIVE or var/archive]",
    )
    @trust_option
    @wraps(command)
    def run(*, folder: Path | None, trust: bool, **rest: Any) -> Any:
        settings = Settings.from_environment()
        settings = replace(
            settings, archive=folder or settings.archive, trust=trust or settings.trust
        )
        return command(settings, **rest)

    return run


def with_threads(command: Command) -> Command:
    """Add --threads to a command, which gets it in its settings; it stands below with_settings."""

    @click.option(
        "--threads",
        type=click.IntRange(0, 1024),
        metavar="N",
        help="How many cores to keep busy, 0 for all.  [default: $BACKFILE_THREADS or 0]",
    )
    @wraps(command)
    def run(settings: Settings, *, threads: int | None, **rest: Any) -> Any:
        given = settings if threads is None else replace(settings, threads=threads)
        return command(given, **rest)

    return run


def with_facets(command: Command) -> Command:
    """Add --source and the like, and --not-source and the like, each to be given repeatedly."""
    for name in reversed(FACETS):
        for option, what in ((f"--not-{name}", f"Without this {name}."), (f"--{name}", None)):
            command = click.option(option, multiple=True, help=what)(command)
    return command


quiet = click.option("--quiet", is_flag=True, help="No progress bars.")
as_json = click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
judged_folders = click.argument(
    "folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path)
)


output = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to this file, not to stdout.",
)


def write_out(pieces: Iterable[str], path: Path | None) -> None:
    """Write pieces of text; a file gets its name when it is complete."""
    if path is None:
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    draft = path.with_name(f"{path.name}.part")
    try:
        with draft.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(pieces)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
