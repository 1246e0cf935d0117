"""Prints the report of an indexed input, of a dry run, of a recovery, and of another model."""

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click

from backfile.archive.formats.fields import WatchedFields
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle
from backfile.archive.model.settings import Settings
from backfile.archive.store.damage import DamagedVersion
from backfile.archive.store.jobs import JobResult
from backfile.index.indexing.ingest_batch import Report
from backfile.index.indexing.recovery import Recovered
from backfile.index.reembedding import Reembedded
from backfile.scripts.printing.counts import count_of
from backfile.web.i18n.phrases import date_note

REFUSALS_SHOWN = 20
REASONS_SHOWN = 10
EXAMPLES = 3
FIELDS_SHOWN = 12
COUNT_LABELS = {
    "undated": "undated",
    "likely": "date likely",
    "doubtful": "date doubtful",
    "thin": "text thin",
}
SELDOM = ("duplicate", "withdrawn", *COUNT_LABELS)  # not shown if the count is zero
PARTICULAR = re.compile(r"\([^()]*\)|'[^']*'|\d[\d,.:+TZ-]*")  # a reason's details of one article


def print_dry_run(source: Iterable[Article | UnreadableArticle], names: WatchedFields) -> None:
    """Read an input without indexing it, print the report, and exit."""
    read, refused, doubts = 0, 0, Report()
    examples: list[Article] = []
    for found in source:
        if isinstance(found, UnreadableArticle):
            refused += 1
            if refused <= REFUSALS_SHOWN:
                click.echo(f"refused: {found}", err=True)
        else:
            read += 1
            doubts.count_doubts(found)
            examples += [found] if len(examples) < EXAMPLES else []
    _print_mapping(names)
    for article in examples:
        _print_example(article)
    _print_counts(doubts, COUNT_LABELS)
    click.echo(f"{count_of(read, 'article')} can be read, {refused} refused; nothing was kept")
    raise SystemExit(1 if refused else 0)


def report_as_json(report: Report) -> dict[str, Any]:
    """The counts, and the refusals with their reasons, as JSON values."""
    refused = [{"origin": r.origin, "reason": r.reason} for r in report.refused]
    return {**report.counts, "refused": refused}


def print_report(report: Report, *, as_json: bool) -> None:
    """Print the counts, and the refusals with their reasons."""
    if as_json:
        click.echo(json.dumps(report_as_json(report)))
        return
    for refusal in islice(report.refused, REFUSALS_SHOWN):
        click.echo(f"refused: {refusal}", err=True)
    if (more := len(report.refused) - REFUSALS_SHOWN) > 0:
        click.echo(f"and {more} more; --rejects FILE or --json lists them all", err=True)
    _print_counts(report, report.counts)
    click.echo(f"{'refused':<13} {len(report.refused):>9,}")
    reasons = Counter(PARTICULAR.sub("…", refusal.reason) for refusal in report.refused)
    for reason, count in reasons.most_common(REASONS_SHOWN):
        click.echo(f"{'':<13} {count:>9,}  {reason}")


def _print_counts(report: Report, names: Iterable[str]) -> None:
    for name in names:
        if (count := report.counts[name]) or name not in SELDOM:
            click.echo(f"{COUNT_LABELS.get(name, name):<13} {count:>9,}")
    for name, count in report.left_out.most_common(REASONS_SHOWN):
        option = f"--map text={shlex.quote(name)}"
        click.echo(f"{'':<13} {count:>9,}  the field {name} has far more text; {option}")


def _print_mapping(names: WatchedFields) -> None:
    """Print which record fields map to which article fields, how often, and which are not used."""
    for ours, theirs in names.columns().items():
        shown = ", ".join(f"{name} ({count:,})" for name, count in theirs[:FIELDS_SHOWN])
        click.echo(f"{ours:<10} <- {shown}")
    if unused := names.never_used():
        click.echo(f"{'not used':<10}    {', '.join(unused[:FIELDS_SHOWN])}")


def _print_example(article: Article) -> None:
    from backfile.scripts.printing.hits import date_or_none  # with all of a search

    click.echo(f"{date_or_none(article.date_span)}  {article.title}")
    if note := date_note(article):
        click.echo(f"            date {note}")
    for name in ("id", "source", "section", "authors", "language", "url", "origin"):
        if value := getattr(article, name):
            shown = ", ".join(value) if isinstance(value, tuple) else value
            click.echo(f"            {name}: {shown}")


def print_recovered(recovered: Recovered) -> None:
    """Print one line for each article and original that was damaged or lost."""
    for each in recovered.restored:
        click.echo(f"restored {each.id!r} from the original of {each.origin}")
    for each in recovered.lost:
        click.echo(f"set aside {each.id!r}: there is no original of {each.origin}")
    if recovered.read:
        click.echo(f"read {count_of(recovered.read, 'article')} again that the record lacked")
    for place in recovered.unread:
        click.echo(f"set aside the original of {place}: no article was read from it")
    if recovered.aside:
        click.echo(f"what was set aside is in {recovered.aside}")


def print_set_aside(versions: Iterable[DamagedVersion], aside: Path) -> None:
    """Print one line for each damaged version, and where they are now."""
    for each in versions:
        click.echo(f"set aside: {each}")
    click.echo(f"what was set aside is in {aside}")


def print_earlier(folder: Path | None) -> None:
    """Print where a catalogue lies that was replaced."""
    if folder:
        click.echo(f"the damaged catalogue was replaced; it lies in {folder}")


def print_jobs(results: Sequence[JobResult]) -> None:
    """Print how many jobs of the inbox were done, and one line for each that was set aside."""
    failed = [each for each in results if each.reason]
    if done := len(results) - len(failed):
        click.echo(f"jobs that were received over HTTP and are done now: {done}", err=True)
    for each in failed:
        click.echo(f"set aside job {each.number}: {each.reason}", err=True)


def print_reembedded(done: Reembedded, settings: Settings) -> None:
    """Print which model an archive has now, and what is left to do."""
    model = done.manifest.model
    kept = f"; what was there before is kept in {done.replaced}" if done.replaced else ""
    if not done.is_new:
        click.echo(f"{settings.archive} has the model {model}{kept}")
        return
    what = f"{count_of(done.counts.articles, 'article')} in {settings.archive}"
    click.echo(f"{what} have the model {model} now{kept}")
    if not done.counts.embedded:
        click.echo("nothing was embedded, as before: `backfile index` does that", err=True)
    if done.is_tuned:
        said = "the weights were fitted with the earlier model; `backfile tune` fits them again"
        click.echo(said, err=True)
    if Settings.from_environment().model != model:
        said = "set it for the commands that follow, and before a server is started again"
        click.echo(f"{said}: BACKFILE_MODEL={shlex.quote(model)}", err=True)
