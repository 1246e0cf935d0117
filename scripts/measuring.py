"""The command that measures the ranking: evaluate."""

import json
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

from archive.reading.fields import FieldMap
from archive.reading.formats import Reading
from archive.settings import Settings
from index.evaluation import MEASURES, Judgments
from index.evaluation import evaluate as evaluate_modes
from index.query import Mode
from index.wiring import open_engines, open_for_writing, searcher_over
from scripts.options import as_json, quiet
from scripts.progress import Bars


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option(
    "--archive",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the indexed articles here and use them again; a temporary place otherwise.",
)
@click.option(
    "--mode",
    "modes",
    type=click.Choice([mode.value for mode in Mode]),
    multiple=True,
    help="Measure this mode alone; may be repeated.",
)
@as_json
@quiet
def evaluate(
    folder: Path, archive: Path | None, modes: tuple[str, ...], as_json: bool, quiet: bool
) -> None:
    """Measure the ranking on FOLDER: articles.jsonl, queries.tsv, qrels.txt (TREC)."""
    judgments = Judgments.in_folder(folder)
    with ExitStack() as stack:
        place = archive or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = replace(Settings.from_environment(), archive=place)
        bars = stack.enter_context(Bars(quiet=quiet))
        with open_for_writing(settings, bars, create=True) as opened:
            opened.indexer.run(Reading([judgments.articles], FieldMap()))
        chosen = [Mode(name) for name in modes] or list(Mode)
        engines = open_engines(settings)
        engines.neighbours.warm()
        found = dict(evaluate_modes(searcher_over(engines, settings), judgments, chosen))
    if as_json:
        click.echo(json.dumps({mode.value: means for mode, means in found.items()}))
        return
    click.echo(f"{'mode':10}" + "".join(f"{name:>12}" for name in MEASURES))
    for mode, means in found.items():
        click.echo(f"{mode.value:10}" + "".join(f"{means[name]:12.3f}" for name in MEASURES))
