"""Prints articles as text: the hits of a search, related ones, and earlier versions."""

import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from itertools import pairwise

import click

from backfile.answers import byline_of
from backfile.archive.model.article import Article
from backfile.archive.model.dates import DateSpan
from backfile.archive.store.clusters import Copy, OtherCopies
from backfile.archive.store.history import Version
from backfile.archive.store.reader import Versions
from backfile.index.model.query import Mode
from backfile.index.model.results import (
    Closest,
    DidYouMean,
    Hit,
    Offer,
    OfferKind,
    Results,
    Wording,
)
from backfile.index.search.related import Related
from backfile.web.api.json import related_json, versions_json
from backfile.web.article.changes import field_changes
from backfile.web.i18n.labels import NAMES
from backfile.web.i18n.phrases import (
    copies_in_words,
    groups_in_words,
    part_name,
    relaxed_in_words,
    strongest,
    total_in_words,
)

EXCERPT = 320  # characters
NOTHING, POOR = "nothing found", "nothing matches well"


def print_results(results: Results, *, why: bool) -> None:
    """Print hits to stdout; notes, totals and the next cursor to stderr."""
    for note in results.reading.notes:
        click.echo(note, err=True)
    if meant := results.did_you_mean:
        click.echo(_meant(meant, results.query.text), err=True)
    for offer in results.offers:
        if offer.kind is not OfferKind.WORD:
            click.echo(_filter(offer), err=True)
    if relaxed := relaxed_in_words(results):
        click.echo(relaxed, err=True)
    if not results.hits:
        click.echo(_nothing(results), err=True)
        offered = [offer for offer in results.offers if offer.kind is OfferKind.WORD]
        if offered:
            words = ", ".join(f"{offer.word} ({offer.articles})" for offer in offered)
            click.echo(f"in the archive, with the number of articles: {words}", err=True)
        for closest in results.closest:
            _print_closest(closest)
        return
    first = results.query.cursor.offset if results.query.cursor else 0
    for rank, hit in enumerate(results.hits, first + 1):
        _print_hit(rank, hit)
        if why:
            _print_why(hit)
        click.echo()
    groups = ", ".join(groups_in_words(results).values())
    click.echo(f"{total_in_words(results)}{f' ({groups})' if groups else ''}", err=True)
    if results.coverage < 1 and results.query.mode is not Mode.KEYWORD:
        click.echo(f"meaning covers {results.coverage:.0%} of the archive so far", err=True)
    if results.next:
        click.echo(f"more: --cursor {results.next}", err=True)


def _meant(meant: DidYouMean, typed: str) -> str:
    if meant.is_shown:
        return f"Showing results for: {meant.text} (--strict searches for: {typed})"
    return f"{'Also spelt' if meant.is_variant else 'Did you mean'}: {meant.text}"


def _filter(offer: Offer) -> str:
    """The options that search for a name or days as a filter."""
    options = f"--{offer.kind} {shlex.quote(offer.value)}"
    if offer.kind is OfferKind.DAYS and offer.query:
        options = f"--since {offer.query.filters.since} --until {offer.query.filters.until}"
    text = f"{shlex.quote(offer.word)} " if offer.word else ""
    return f"as a filter: {text}{options} ({offer.articles})"


def _print_closest(closest: Closest) -> None:
    name, number = NAMES["MODE_NAMES"][closest.mode].lower(), f"{closest.total:,}"
    click.echo(
        f"closest by {name} (--mode {closest.mode} --match related finds {number}):", err=True
    )
    for hit in closest.hits:
        click.echo(f"   {hit.article.title}  [{hit.article.id}]", err=True)


def _nothing(results: Results) -> str:
    """The message for a page without hits; it may be after the last hit."""
    return (
        f"no more hits; {total_in_words(results)} in all"
        if results.total
        else POOR
        if results.closest
        else NOTHING
    )


def copies_line(copies: OtherCopies) -> str:
    """The copies of an article, in one line."""
    shown = (f"{_byline_of_copy(copy)} [{copy.id}]" for copy in copies.listed)
    more = ", …" if copies.total > len(copies.listed) else ""
    return f"and {copies_in_words(copies.total)}: {', '.join(shown)}{more}"


def _byline_of_copy(copy: Copy) -> str:
    written = date_or_none(copy.date_span)
    return f"{copy.source} ({written})" if copy.source else written


def _print_hit(rank: int, hit: Hit) -> None:
    click.echo(f"{rank}. " + click.style(hit.article.title, bold=True))
    click.echo(f"   {byline_of(hit.article)}  [{hit.article.id}]")
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
    for wording in best.wordings:
        if wording.lacking or wording.added:
            _print_wording(wording)
    if best.nearest:
        sentence = " ".join(text[slice(*best.nearest)].split())
        click.echo(f"   nearest in meaning: {sentence}")
    if hit.copies.total:
        click.echo(f"   {copies_line(hit.copies)}")


def _print_wording(wording: Wording) -> None:
    """Print a quotation as it was asked and as it was found, with the differences as in wdiff."""
    click.echo(f"   you asked: {_bracketed(wording.asked, wording.lacking, '[-{}-]')}")
    click.echo(f"   it says:   {_bracketed(wording.says, wording.added, '{{+{}+}}')}")


def _bracketed(text: str, spans: Sequence[tuple[int, int]], brackets: str) -> str:
    """Put brackets around spans, with blanks in place of the breaks of lines.

    >>> _bracketed("the old bridge", [(4, 7)], "[-{}-]")
    'the [-old-] bridge'
    """
    pieces, last = [], 0
    for start, end in spans:
        pieces += [text[last:start], brackets.format(text[start:end])]
        last = end
    return " ".join("".join([*pieces, text[last:]]).split())


def _print_why(hit: Hit) -> None:
    click.echo(f"   why: {hit.why.sentence or 'it passes the filters'}")
    parts = [f"{part.score:.3f} {part_name(part)}" for part in strongest(hit.why.parts)]
    if parts:
        click.echo(f"   score: {hit.score:.3f} = {' + '.join(parts)}")


def print_related(related: Related, *, as_json: bool) -> None:
    """Print related articles by time (earlier, same day, later), best first."""
    if as_json:
        click.echo(json.dumps(related_json(related), ensure_ascii=False))
    else:
        for kind, some in related.kinds.items():
            for found in some:
                click.echo(
                    f"{kind.replace('_', ' ')}: " + click.style(found.article.title, bold=True)
                )
                click.echo(f"   {byline_of(found.article)}  [{found.article.id}]")
                click.echo(f"   {found.score:.2f}: {found.why.sentence}\n")
    if not any(related.kinds.values()):
        click.echo("no other coverage of it was found", err=True)
        raise SystemExit(1)


def date_or_none(span: DateSpan | None) -> str:
    """A day, month, year or interval as in ISO 8601, or "no date"."""
    return str(span) if span else "no date"


def _in_color() -> bool:
    return sys.stdout.isatty()


def print_history(found: Versions, *, as_json: bool) -> None:
    """Print the versions of an article, the latest first."""
    versions, withdrawal = found
    if as_json:
        click.echo(json.dumps(versions_json(found), ensure_ascii=False))
        return
    if withdrawal:
        click.echo(f"withdrawn {withdrawal.withdrawn_at}: {withdrawal.reason}\n")
    for later, former in pairwise(versions):
        _print_version(later)
        for line in _changes(former.article, later.article):
            click.echo(f"    {line}")
        click.echo()
    _print_version(versions[-1])


def _print_version(version: Version) -> None:
    until = f" to {version.replaced_at}" if version.replaced_at else " on"
    click.echo(f"from {version.kept_at or 'an unknown instant'}{until}, {version.article.origin}")
    click.secho(f"    {version.article.title}", bold=True)


def _changes(former: Article, later: Article) -> Iterator[str]:
    """The differences, one a line; in the text, - marks old lines and + new ones."""
    for change in field_changes(former, later):
        yield f"{change.name}: {change.before or 'nothing'} -> {change.after or 'nothing'}"
    lines = unified_diff(former.text.splitlines(), later.text.splitlines(), lineterm="", n=0)
    yield from (line for line in lines if not line.startswith(("---", "+++", "@@")) and line[1:])
