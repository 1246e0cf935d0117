"""Commands that write to an archive: index, remove, verify, rebuild."""

import json
from itertools import islice
from pathlib import Path

import click

from archive.article import Article
from archive.errors import UnreadableArticle
from archive.reading.fields import FieldMap
from archive.reading.formats import Reading
from archive.settings import Settings
from index.admission import Report
from index.verifying import Problem
from index.verifying import repair as repair_archive
from index.verifying import verify as verify_archive
from index.wiring import open_engines
from index.writing import forget_words, open_for_writing
from scripts.options import as_json, quiet, with_settings, with_threads
from scripts.progress import Bars

REFUSALS_SHOWN = 20
EXAMPLES = 3


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Read and report, keep nothing.")
@click.option("--map", "mapping", multiple=True, metavar="FIELD=NAME", help="Which record field.")
@click.option("--no-vectors", is_flag=True, help="Words only; meaning can follow later.")
@as_json
@quiet
@with_settings
@with_threads
def index(
    settings: Settings,
    paths: tuple[Path, ...],
    mapping: tuple[str, ...],
    dry_run: bool,
    no_vectors: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Read files and folders, keep the articles, and index them. Safe to run again."""
    source = Reading(paths, FieldMap.from_options(mapping))
    if dry_run:
        _dry_run(source)
        return
    with (
        Bars(quiet=quiet) as bars,
        open_for_writing(settings, bars, create=True) as opened,
    ):
        report = opened.indexer.index(source) if no_vectors else opened.indexer.run(source)
    _print_report(report, as_json=as_json)
    raise SystemExit(1 if report.refused else 0)


@click.command()
@click.argument("ids", nargs=-1, required=True)
@with_settings
def remove(settings: Settings, ids: tuple[str, ...]) -> None:
    """Remove articles from the record and from what is found."""
    with open_for_writing(settings, Bars(quiet=True)) as opened:
        removed = opened.indexer.remove(ids)
    click.echo(f"removed {removed} of {len(ids)} articles")
    raise SystemExit(0 if removed == len(set(ids)) else 1)


@click.command()
@click.option("--repair", is_flag=True, help="Mend what can be mended from the record.")
@quiet
@with_settings
def verify(settings: Settings, repair: bool, quiet: bool) -> None:
    """Check the archive against itself; exit 1 if something is wrong with it."""
    if not repair:
        problems = list(verify_archive(open_engines(settings)))
        _print_problems(problems)
        raise SystemExit(1 if problems else 0)
    with Bars(quiet=quiet) as bars, open_for_writing(settings, bars) as opened:
        repair_archive(opened.engines, opened.indexer)
        left = list(verify_archive(opened.engines))
    _print_problems(left)
    raise SystemExit(1 if left else 0)


@click.command()
@click.argument("what", type=click.Choice(["lexical", "vectors"]), required=False)
@quiet
@with_settings
@with_threads
def rebuild(settings: Settings, what: str | None, quiet: bool) -> None:
    """Make an index anew from the record, without embedding again; both if none is named."""
    with Bars(quiet=quiet) as bars, open_for_writing(settings, bars, rebuilding=True) as opened:
        if what != "vectors":
            forget_words(settings, opened.engines)
            opened.indexer.index_words()
        if what != "lexical":
            opened.engines.neighbours.clear()
            opened.indexer.seal()
    click.echo(f"rebuilt {what or 'lexical and vectors'} in {settings.archive}")


def _dry_run(source: Reading) -> None:
    read, refused = 0, 0
    examples: list[Article] = []
    for found in source:
        if isinstance(found, UnreadableArticle):
            refused += 1
            if refused <= REFUSALS_SHOWN:
                click.echo(f"refused: {found}", err=True)
        else:
            read += 1
            examples += [found] if len(examples) < EXAMPLES else []
    for article in examples:
        day = article.published.isoformat() if article.published else "no date"
        click.echo(f"{day}  {article.title}")
        for name in ("id", "source", "section", "authors", "language", "url", "origin"):
            if value := getattr(article, name):
                shown = ", ".join(value) if isinstance(value, tuple) else value
                click.echo(f"            {name}: {shown}")
    click.echo(f"{read} articles can be read, {refused} refused; nothing was kept")
    raise SystemExit(1 if refused else 0)


def _print_report(report: Report, *, as_json: bool) -> None:
    if as_json:
        counts = {name: getattr(report, name) for name in ("read", "new", "changed", "unchanged")}
        refused = [{"origin": r.origin, "reason": r.reason} for r in report.refused]
        click.echo(json.dumps({**counts, "undated": report.undated, "refused": refused}))
        return
    for refusal in islice(report.refused, REFUSALS_SHOWN):
        click.echo(f"refused: {refusal}", err=True)
    if (more := len(report.refused) - REFUSALS_SHOWN) > 0:
        click.echo(f"and {more} more; --json lists them all", err=True)
    undated = f"; {report.undated} without a date" if report.undated else ""
    click.echo(
        f"{report.read} articles: {report.new} new, {report.changed} changed, "
        f"{report.unchanged} unchanged{undated}; {len(report.refused)} refused"
    )


def _print_problems(problems: list[Problem]) -> None:
    for problem in problems:
        click.echo(str(problem))
    if problems:
        click.echo("`backfile verify --repair` mends what the record allows", err=True)
    else:
        click.echo("the archive is sound")
