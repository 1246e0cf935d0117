"""The `backfile` command. Results go to stdout, progress and errors to stderr.

Exit codes: 0 done, 1 nothing found or some files refused, 2 an error, in one line,
130 interrupted.
"""

import sys
from importlib import import_module
from typing import Any

import click

from backfile.archive.model.errors import ArchiveError

COMMANDS = {
    "index": "commands.index",
    "follow": "commands.follow",
    "search": "commands.search",
    "export": "commands.search",
    "show": "commands.search",
    "remove": "commands.maintain",
    "status": "commands.search",
    "serve": "commands.serve",
    "verify": "commands.maintain",
    "rebuild": "commands.maintain",
    "reread": "commands.index",
    "backup": "commands.backup",
    "restore": "commands.backup",
    "evaluate": "commands.evaluate",
    "tune": "commands.tune",
    "benchmark": "bench.benchmark",
}
"""Each command, and the module that it is in."""
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
        command: click.Command = getattr(import_module(f"backfile.scripts.{COMMANDS[name]}"), name)
        return command

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


if __name__ == "__main__":
    main()
