"""Prints what became of a damaged record: of articles, originals, and the earlier catalogue."""

from pathlib import Path

import click

from backfile.index.indexing.recovery import Recovered


def print_recovered(recovered: Recovered) -> None:
    """Print one line for each article and original that was damaged or lost."""
    for each in recovered.restored:
        click.echo(f"restored {each.id!r} from the original of {each.origin}")
    for each in recovered.lost:
        click.echo(f"set aside {each.id!r}: there is no original of {each.origin}")
    if recovered.read:
        click.echo(f"read {recovered.read} articles again that the record lacked")
    for place in recovered.unread:
        click.echo(f"set aside the original of {place}: no article was read from it")
    if recovered.aside:
        click.echo(f"what was set aside is in {recovered.aside}")


def print_earlier(folder: Path | None) -> None:
    """Print where a catalogue lies that was replaced."""
    if folder:
        click.echo(f"the damaged catalogue was replaced; it lies in {folder}")
