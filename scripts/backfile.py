"""The `backfile` command. Results go to stdout, progress and errors to stderr.

Exit codes: 0 done, 1 nothing found or some files refused, 2 an error, in one line.
"""

import sys
from typing import Any

import click

from archive.errors import ArchiveError
from scripts import measuring, reading, serving, writing

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class Commands(click.Group):
    """A group that turns errors into one line and an exit code."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except ArchiveError as exc:
            click.echo(f"backfile: {exc}", err=True)
            context.exit(2)
        except BrokenPipeError:  # `backfile search … | head`
            sys.stderr.close()
            context.exit(0)


@click.group(cls=Commands)
@click.version_option(package_name="backfile")
def main() -> None:
    """Search a news archive by words and by meaning."""


for command in (
    writing.index,
    reading.search,
    reading.show,
    writing.remove,
    reading.status,
    serving.serve,
    writing.verify,
    writing.rebuild,
    measuring.evaluate,
    measuring.benchmark,
):
    main.add_command(command)

if __name__ == "__main__":
    main()
