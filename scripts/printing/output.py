"""Writes the output of a command piece by piece: to stdout, or atomically to a file."""

from collections.abc import Iterable
from pathlib import Path

import click

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
