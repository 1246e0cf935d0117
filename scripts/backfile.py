"""The `backfile` command. Results go to stdout, progress and errors to stderr.

Exit codes: 0 done, 1 nothing found or some files refused, 2 an error, in one line,
130 interrupted.
"""

import sys
from typing import Any

import click

from archive.errors import ArchiveError
from scripts import benchmarking, measuring, reading, serving, writing

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
        except OSError as exc:  # a full disk, say: nothing a stack trace would help with
            click.echo(f"backfile: {_in_one_line(exc)}", err=True)
            context.exit(2)
        except KeyboardInterrupt:  # click itself would exit with 1, which says "some refused"
            click.echo("backfile: interrupted; run the same command again to go on", err=True)
            context.exit(INTERRUPTED)


def _in_one_line(exc: OSError) -> str:
    reason = " ".join((exc.strerror or str(exc) or type(exc).__name__).split())
    return f"{exc.filename}: {reason}" if exc.filename else reason


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
    benchmarking.benchmark,
):
    main.add_command(command)

if __name__ == "__main__":
    main()
