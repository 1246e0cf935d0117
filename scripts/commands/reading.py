"""Commands that read an archive: search, show, status."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import click

from archive.article import Article
from archive.settings import Settings
from archive.store.catalog.stories import Copy, OtherCopies
from archive.store.directory import ArchiveDirectory
from index.filters import DateFilter
from index.query import DEFAULT_HITS, MOST_HITS, Copies, Marking, Mode, Query, Sort
from index.results import Hit, Results, Verdict
from index.search.related import Related
from index.status import status_of
from index.wiring import open_engines, open_searcher
from scripts.commands.options import as_json, with_facets, with_settings
from scripts.printing.histories import print_history
from scripts.printing.output import output
from web.article.day_notes import date_note
from web.programs.representation import article_json, related_json, results_json
from web.wording import copies_in_words, part_name, strongest, total_in_words

EXCERPT = 320  # characters
MOST_LANGUAGES = 8  # named by `status`


@click.command()
@click.argument("text", metavar="QUERY", required=False)
@click.option("--mode", type=click.Choice([m.value for m in Mode]), default=Mode.HYBRID.value)
@click.option("--since", default="", metavar="DAY", help="From this day, month or year on.")
@click.option("--until", default="", metavar="DAY", help="Up to this day, month or year.")
@click.option(
    "--date",
    type=click.Choice([d.value for d in DateFilter]),
    default=DateFilter.ANY.value,
    help="`none`: only what has no date.",
)
@click.option("--day", default="", metavar="MM-DD", help="Of this day, in any year.")
@with_facets
@click.option("--sort", type=click.Choice([s.value for s in Sort]), default=Sort.RELEVANCE.value)
@click.option("--copies", type=click.Choice([c.value for c in Copies]), default=Copies.FOLD.value)
@click.option(
    "--mark",
    type=click.Choice([m.value for m in Marking]),
    default=Marking.WORDS.value,
    help="`sentence`: name the sentence of each hit that is nearest in meaning too.",
)
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
    text: str | None,
    as_json: bool,
    why: bool,
    batch: BinaryIO | None,
    output: Path | None,
    **parameters: object,
) -> None:
    """Find articles by words and by meaning."""
    given = {name: values_of(value) for name, value in parameters.items()}
    if batch:
        if text or as_json or why:
            raise click.UsageError("--batch stands instead of QUERY, --json and --why")
        from scripts.commands.asking import answer_file  # late, as it brings Flask

        raise SystemExit(answer_file(settings, batch, given, output))
    if text is None:
        raise click.UsageError("Missing argument 'QUERY'.")
    if output:
        raise click.UsageError("-o is of --batch; `backfile export` writes a search to a file")
    query = Query.from_parameters({"q": [text], **given})
    results = open_searcher(settings).search(query)
    if as_json:
        click.echo(json.dumps(results_json(results), ensure_ascii=False))
    else:
        _print_results(results, why=why)
    raise SystemExit(0 if results.hits else 1)


@click.command()
@click.argument("article_id", metavar="ID")
@click.option("--related", is_flag=True, help="Earlier and later coverage instead of the article.")
@click.option("--history", is_flag=True, help="What it said before, and what has changed since.")
@as_json
@with_settings
def show(settings: Settings, article_id: str, related: bool, history: bool, as_json: bool) -> None:
    """Print an article."""
    if history:
        print_history(open_engines(settings).catalog, article_id, as_json=as_json)
        return
    searcher = open_searcher(settings)
    if related:
        _print_related(searcher.related(article_id), as_json=as_json)
        return
    article, passages = searcher.article(article_id)
    copies = searcher.copies(article_id)
    if as_json:
        click.echo(json.dumps(article_json(article, passages, copies), ensure_ascii=False))
        return
    click.secho(article.title, bold=True)
    click.echo(_byline(article))
    if note := date_note(article):
        click.echo(f"date {note}")
    for name, value in (("url", article.url), ("read from", str(article.origin))):
        if value:
            click.echo(f"{name}: {value}")
    if copies.total:
        click.echo(_copies(copies))
    click.echo(f"\n{article.text}")


@click.command()
@as_json
@with_settings
def status(settings: Settings, as_json: bool) -> None:
    """Say what the archive holds and how much of it can be found by meaning."""
    engines = open_engines(settings)
    found = status_of(ArchiveDirectory(settings.archive), engines)
    if as_json:
        click.echo(json.dumps(asdict(found)))
        return
    click.echo(f"archive     {found.archive}")
    click.echo(f"articles    {found.articles:,}")
    click.echo(f"passages    {found.passages:,}, {found.coverage:.0%} findable by meaning")
    click.echo(f"languages   {_languages(found.languages)}")
    click.echo(f"model       {found.model} ({found.precision}, weights {found.weights[:12]})")
    if found.misfit:
        click.echo(f"            {found.misfit}")
    if found.tuned:
        overruled = ", but BACKFILE_VECTOR_WEIGHT overrules the first"
        in_force = "" if "vector_weight" not in settings.given else overruled
        click.echo(f"ranking     {found.tuned}, as tuned{in_force}")
    click.echo(f"generation  {found.generation}")
    click.echo(f"on disk     {found.bytes / 1e6:,.1f} MB")


def _languages(counts: Mapping[str, int]) -> str:
    """The commonest languages, and how many articles each has."""
    named = [f"{code or 'unknown'} {count:,}" for code, count in counts.items()]
    more = [f"{len(named) - MOST_LANGUAGES} more"] if len(named) > MOST_LANGUAGES else []
    return ", ".join([*named[:MOST_LANGUAGES], *more])


def values_of(value: object) -> list[str]:
    """An option's value or values, as a URL gives them."""
    return [str(v) for v in value] if isinstance(value, tuple) else [str(value)]


def _print_results(results: Results, *, why: bool) -> None:
    for note in results.reading.notes:
        click.echo(note, err=True)
    if results.did_you_mean:
        click.echo(f"Did you mean: {results.did_you_mean.text}", err=True)
    if not results.hits:
        click.echo(_nothing(results), err=True)
        if results.offers:
            words = ", ".join(f"{offer.word} ({offer.articles})" for offer in results.offers)
            click.echo(f"in the archive, with the number of articles: {words}", err=True)
        return
    first = results.query.cursor.offset if results.query.cursor else 0
    for place, hit in enumerate(results.hits, first + 1):
        _print_hit(place, hit)
        if why:
            _print_why(hit)
        click.echo()
    alone = results.totals.by_meaning_alone
    by_meaning = f", {alone} of them by meaning alone" if alone else ""
    weak = "; none of it is a close match" if results.verdict is Verdict.WEAK else ""
    click.echo(f"{total_in_words(results)}{by_meaning}{weak}", err=True)
    if results.coverage < 1 and results.query.mode is not Mode.KEYWORD:
        click.echo(f"meaning covers {results.coverage:.0%} of the archive so far", err=True)
    if results.next:
        click.echo(f"more: --cursor {results.next}", err=True)


def _nothing(results: Results) -> str:
    """What to say of an empty page: it may lie beyond the last hit."""
    return f"no more hits; {total_in_words(results)} in all" if results.total else "nothing found"


def _copies(copies: OtherCopies) -> str:
    """The copies of an article, in one line."""
    shown = (f"{_byline_of(copy)} [{copy.id}]" for copy in copies.listed)
    more = ", …" if copies.total > len(copies.listed) else ""
    return f"and {copies_in_words(copies.total)}: {', '.join(shown)}{more}"


def _byline_of(copy: Copy) -> str:
    day = copy.published.isoformat() if copy.published else "no date"
    return f"{copy.source} ({day})" if copy.source else day


def _print_hit(place: int, hit: Hit) -> None:
    click.echo(f"{place}. " + click.style(hit.article.title, bold=True))
    click.echo(f"   {_byline(hit.article)}  [{hit.article.id}]")
    best = hit.passages[0]
    text, spans = best.passage.text, best.highlights
    begin = max(0, spans[0][0] - EXCERPT // 2) if spans and spans[0][0] > EXCERPT // 2 else 0
    marked, last = "", begin
    for start, end in spans:
        if begin <= start and end <= begin + EXCERPT:
            word = text[start:end]
            marked += text[last:start] + (click.style(word, fg="yellow") if _in_color() else word)
            last = end
    marked += text[last : begin + EXCERPT]
    lead, tail = "…" if begin else "", "…" if begin + EXCERPT < len(text) else ""
    click.echo(f"   {lead}{' '.join(marked.split())}{tail}")
    if best.nearest:
        sentence = " ".join(text[slice(*best.nearest)].split())
        click.echo(f"   nearest in meaning: {sentence}")
    if hit.copies.total:
        click.echo(f"   {_copies(hit.copies)}")


def _print_why(hit: Hit) -> None:
    click.echo(f"   why: {hit.why.sentence or 'it passes the filters'}")
    parts = [f"{part.score:.3f} {part_name(part)}" for part in strongest(hit.why.parts)]
    if parts:
        click.echo(f"   score: {hit.score:.3f} = {' + '.join(parts)}")


def _print_related(related: Related, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(related_json(related), ensure_ascii=False))
    else:
        for kind, some in related.kinds.items():
            for found in some:
                click.echo(
                    f"{kind.replace('_', ' ')}: " + click.style(found.article.title, bold=True)
                )
                click.echo(f"   {_byline(found.article)}  [{found.article.id}]")
                click.echo(f"   {found.score:.2f}: {found.why.sentence}\n")
    if not any(related.kinds.values()):
        click.echo("no other coverage of it was found", err=True)
        raise SystemExit(1)


def _byline(article: Article) -> str:
    day = article.published.isoformat() if article.published else "no date"
    parts = (day, article.source, article.section, ", ".join(article.authors), article.language)
    return " · ".join(part for part in parts if part)


def _in_color() -> bool:
    return sys.stdout.isatty()
