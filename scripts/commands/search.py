"""Commands that read an archive: search, show, status, export."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import click

from backfile.answers import byline_of
from backfile.archive.model.settings import Settings
from backfile.archive.store.reader import ArchiveReader
from backfile.index.model.filters import DateFilter
from backfile.index.model.groups import Group
from backfile.index.model.query import DEFAULT_HITS, MOST_HITS, Copies, Marking, Mode, Query, Sort
from backfile.index.search.batch import Answer, Parameters, answers, read_queries, text_of
from backfile.index.wiring import open_engines, open_searcher, searcher_over
from backfile.library import Archive
from backfile.scripts.commands.options import (
    QueryCommand,
    as_json,
    output,
    with_facets,
    with_settings,
    write_out,
)
from backfile.scripts.printing.hits import copies_line, print_history, print_related, print_results
from backfile.scripts.printing.progress import watched
from backfile.web.api.exports import EXPORTS, as_hit_table, with_byte_order_mark
from backfile.web.api.json import stored_json
from backfile.web.i18n.phrases import date_note


def answer_file(
    settings: Settings, queries: BinaryIO, usual: Parameters, output: Path | None
) -> int:
    """Write the hits of a file's queries, and return the exit code; raise BadQuery."""
    Query.from_parameters(usual)
    searcher = open_searcher(settings)
    content = queries.read()
    total = sum(1 for _ in read_queries(text_of(BytesIO(content))))
    asked = watched(read_queries(text_of(BytesIO(content))), total, " queries")
    told = _Told(answers(searcher, asked, usual))
    write_out(as_hit_table(told), output)
    click.echo(told.summary, err=True)
    return 0 if told.found and not told.refused else 1


class _Told:
    """Passes answers on and counts them."""

    def __init__(self, answered: Iterable[Answer]) -> None:
        self._answered = answered
        self.asked = self.found = self.refused = 0

    def __iter__(self) -> Iterator[Answer]:
        for answer in self._answered:
            self.asked += 1
            self.found += bool(answer.hits)
            self.refused += bool(answer.error)
            yield answer

    @property
    def summary(self) -> str:
        refused = f", {self.refused:,} could not be answered" if self.refused else ""
        return f"{self.asked:,} queries, {self.found:,} with hits{refused}"


MOST_LANGUAGES = 8  # named by `status`


@click.command(cls=QueryCommand)
@click.argument("words", metavar="[QUERY...]", nargs=-1)
@click.option("--mode", type=click.Choice([m.value for m in Mode]), default=Mode.HYBRID.value)
@click.option("--since", default="", metavar="DAY", help="From this day, month or year on.")
@click.option("--until", default="", metavar="DAY", help="Up to this day, month or year.")
@click.option(
    "--date",
    type=click.Choice([d.value for d in DateFilter]),
    default=DateFilter.ANY.value,
    help="`none`: only what has no date; `within`: no date that goes beyond --since or --until.",
)
@click.option("--day", default="", metavar="MM-DD", help="Of this day, in any year.")
@with_facets
@click.option("--collection", default="", metavar="NAME", help="Of this collection alone.")
@click.option(
    "--added-since", default="", metavar="DAY", help="Added to the archive from this day on."
)
@click.option(
    "--match",
    type=click.Choice([g.value for g in Group]),
    help="The last group of hits that is wanted: with all words, most, some, or related ones.",
)
@click.option("--sort", type=click.Choice([s.value for s in Sort]), default=Sort.RELEVANCE.value)
@click.option("--copies", type=click.Choice([c.value for c in Copies]), default=Copies.FOLD.value)
@click.option(
    "--mark",
    type=click.Choice([m.value for m in Marking]),
    default=Marking.WORDS.value,
    help="`sentence`: name the sentence of each hit that is nearest in meaning too.",
)
@click.option("--strict", is_flag=True, help="Let phrases and operators bind if nothing has them.")
@click.option("--limit", type=click.IntRange(1, MOST_HITS), default=DEFAULT_HITS, show_default=True)
@click.option("--cursor", default="", help="The `next` of an earlier answer.")
@click.option("--why", is_flag=True, help="Say below each hit why it was found.")
@click.option(
    "--batch",
    type=click.File("rb"),
    metavar="FILE",
    help="Answer the queries of a file instead, a line each or a table, with a table of hits.",
)
@output
@as_json
@with_settings
def search(
    settings: Settings,
    words: tuple[str, ...],
    as_json: bool,
    why: bool,
    batch: BinaryIO | None,
    output: Path | None,
    **parameters: Any,
) -> None:
    """Find articles by words and by meaning. Several words are one query."""
    if batch:
        if words or as_json or why:
            raise click.UsageError("--batch stands instead of QUERY, --json and --why")
        given = {name: values_of(value) for name, value in parameters.items()}
        raise SystemExit(answer_file(settings, batch, given, output))
    if not words:
        raise click.UsageError("Missing argument 'QUERY'.")
    if output:
        raise click.UsageError("-o is of --batch; `backfile export` writes a search to a file")
    with Archive(settings) as archive:
        answer = archive.search(" ".join(words), **parameters)
    if as_json:
        click.echo(json.dumps(answer.as_dict(), ensure_ascii=False))
    else:
        print_results(answer.results, why=why)
    raise SystemExit(0 if answer.hits else 1)


@click.command()
@click.argument("article_id", metavar="ID")
@click.option("--related", is_flag=True, help="Earlier and later coverage instead of the article.")
@click.option("--history", is_flag=True, help="What it said before, and what has changed since.")
@as_json
@with_settings
def show(settings: Settings, article_id: str, related: bool, history: bool, as_json: bool) -> None:
    """Print an article."""
    engines = open_engines(settings)
    reader = ArchiveReader(engines.catalog)
    if history:
        print_history(reader.versions(article_id), as_json=as_json)
        return
    stored = reader.article(article_id)
    if related:
        print_related(searcher_over(engines, settings).related_to(stored), as_json=as_json)
        return
    article, copies = stored.article, reader.copies(article_id)
    if as_json:
        click.echo(json.dumps(stored_json(stored, copies), ensure_ascii=False))
        return
    click.secho(article.title, bold=True)
    click.echo(byline_of(article))
    if note := date_note(article):
        click.echo(f"date {note}")
    for name, value in (("url", article.url), ("read from", str(article.origin))):
        if value:
            click.echo(f"{name}: {value}")
    if copies.total:
        click.echo(copies_line(copies))
    click.echo(f"\n{article.text}")


@click.command()
@as_json
@with_settings
def status(settings: Settings, as_json: bool) -> None:
    """Say what the archive holds and how much of it can be found by meaning."""
    with Archive(settings) as archive:
        found = archive.status()
    if as_json:
        click.echo(json.dumps(asdict(found)))
        return
    click.echo(f"archive     {found.archive}")
    click.echo(f"articles    {found.articles:,}")
    click.echo(f"passages    {found.passages:,}, {found.coverage:.0%} findable by meaning")
    click.echo(f"languages   {_languages(found.languages)}")
    by_engine = f" by {found.engine}" if found.engine else ""
    by_graph = f", graph {found.graph[:12]}" if found.graph else ""
    made_with = f"{found.precision}{by_engine}, weights {found.weights[:12]}{by_graph}"
    click.echo(f"model       {found.model} ({made_with})")
    if found.misfit:
        click.echo(f"            {found.misfit}")
    if found.tuned:
        overruled = ", but BACKFILE_VECTOR_WEIGHT overrules the first"
        in_force = "" if "vector_weight" not in settings.given else overruled
        click.echo(f"ranking     {found.tuned}, as tuned{in_force}")
    if found.furniture:
        click.echo(
            f"furniture   {found.furniture:,} sentences recur in an outlet and are not searched"
        )
    if found.names.articles:
        languages = f" ({', '.join(found.names.models)})" if found.names.models else ""
        click.echo(
            f"names       of {found.names.read:,} of {found.names.articles:,} articles read"
            f"{languages}"
        )
    if found.jobs_waiting:
        click.echo(
            f"inbox       {found.jobs_waiting:,} jobs received over HTTP wait for the writer"
        )
    click.echo(f"generation  {found.generation}")
    click.echo(f"on disk     {found.bytes / 1e6:,.1f} MB")


def _languages(counts: Mapping[str, int]) -> str:
    """The commonest languages, and how many articles each has."""
    named = [f"{code or 'unknown'} {count:,}" for code, count in counts.items()]
    more = [f"{len(named) - MOST_LANGUAGES} more"] if len(named) > MOST_LANGUAGES else []
    return ", ".join([*named[:MOST_LANGUAGES], *more])


def values_of(value: object) -> list[str]:
    """An option's value or values, as a URL gives them."""
    values = value if isinstance(value, tuple) else (value,)
    written = (int(each) if isinstance(each, bool) else each for each in values)
    return [str(each) for each in written if each is not None]


# What a search takes, but for what says how it is shown, and --archive, which every command has.
LISTED = ("limit", "cursor", "mark", "why", "as_json", "batch", "output")
SHOWN = (*LISTED, "strict", "folder", "trust")


@click.command(cls=QueryCommand, params=[p for p in search.params if p.name not in SHOWN])
@click.option("--format", "kind", type=click.Choice(list(EXPORTS)), default="csv")
@click.option("--no-bom", is_flag=True, help="CSV without the mark by which Excel knows UTF-8.")
@output
@with_settings
def export(
    settings: Settings,
    words: tuple[str, ...],
    kind: str,
    no_bom: bool,
    output: Path | None,
    **parameters: Any,
) -> None:
    """Write every article that a search finds: CSV, JSON Lines, RIS, BibTeX or plain citations.

    Without a query, all that pass the filters."""
    with Archive(settings) as archive:
        found = archive.export(" ".join(words), format=kind, **parameters)
        marked = kind == "csv" and not no_bom
        write_out(with_byte_order_mark(found) if marked else found, output)
    raise SystemExit(0 if found.total else 1)
