"""The command that writes all matches of a search to a file."""

from pathlib import Path

import click

from archive.settings import Settings
from index.query import Query
from index.wiring import open_searcher
from scripts.commands.options import with_settings
from scripts.commands.reading import search, values_of
from scripts.printing.output import output, write_out
from web.programs.exports import EXPORTS

# What a search takes, but for what says how it is shown, and --archive, which every command has.
SHOWN = ("limit", "cursor", "mark", "why", "as_json", "batch", "output", "folder")


@click.command(params=[each for each in search.params if each.name not in SHOWN])
@click.option("--format", "kind", type=click.Choice(list(EXPORTS)), default="csv")
@output
@with_settings
def export(
    settings: Settings, text: str | None, kind: str, output: Path | None, **parameters: object
) -> None:
    """Write every article that a search finds: CSV, JSON Lines or RIS.

    Without a query, all that pass the filters."""
    given = {name: values_of(value) for name, value in parameters.items()}
    query = Query.from_parameters({"q": [text or ""], **given})
    results, matches = open_searcher(settings).every(query)
    write_out(EXPORTS[kind].write(matches), output)
    raise SystemExit(0 if results.total else 1)
