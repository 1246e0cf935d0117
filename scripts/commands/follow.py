"""The command that follows feeds: fetched politely, kept and indexed like files. Fit for cron."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from backfile.archive.follow.address_lists import OPML, feeds_in, kind_of
from backfile.archive.follow.client import Fetcher
from backfile.archive.follow.feeds import FeedReport, FeedRun, Outcome, Subscriptions
from backfile.archive.formats.files import SourceFile
from backfile.archive.model.errors import BadSetting
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.trust import require_trusted
from backfile.index.indexing.ingest_batch import Report
from backfile.index.writing import open_for_writing
from backfile.scripts.commands.index import no_originals_option, no_vectors_option
from backfile.scripts.commands.options import as_json, with_settings, with_threads
from backfile.scripts.printing.progress import Bars
from backfile.scripts.printing.reports import print_report, report_as_json


@click.command()
@click.argument("urls", nargs=-1, metavar="[URL|OPML...]")
@click.option("--list", "listed", is_flag=True, help="List what is followed, and fetch nothing.")
@click.option("--forget", multiple=True, metavar="URL", help="Follow this one no longer.")
@click.option("--allow-private", is_flag=True, help="Fetch from one's own network, too.")
@no_vectors_option
@no_originals_option
@click.option("--quiet", is_flag=True, help="Say only what went wrong; for cron.")
@as_json
@with_settings
@with_threads
def follow(
    settings: Settings,
    urls: tuple[str, ...],
    listed: bool,
    forget: tuple[str, ...],
    allow_private: bool,
    no_vectors: bool,
    no_originals: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Fetch feeds, and index what is new; without a URL, all that were followed before.

    A file of OPML names many feeds. Of a sitemap, the new pages are fetched."""
    require_trusted(settings.archive, trust=settings.trust)
    if listed:
        _list(settings, as_json=as_json)
    elif forget:
        _forget(settings, forget)
    else:
        allowed = replace(settings, allow_private=settings.allow_private or allow_private)
        report, reports = _follow(
            allowed, _named(urls), vectors=not no_vectors, originals=not no_originals, quiet=quiet
        )
        _say(report, reports, quiet=quiet, as_json=as_json)
        raise SystemExit(1 if report.refused else 0)


def _named(urls: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses that were given, and those in the files of OPML that were given."""
    found: list[str] = []
    for url in urls:
        path = Path(url)
        if not path.is_file():
            found.append(url)
            continue
        file = SourceFile.at(path, path.name)
        listed = feeds_in(file) if kind_of(file) == OPML else []
        if not listed:
            raise BadSetting("follow", f"{url} is no list of feeds (OPML); name one, or a URL")
        found += listed
    return tuple(found)


def _follow(
    settings: Settings, urls: tuple[str, ...], *, vectors: bool, originals: bool, quiet: bool
) -> tuple[Report, list[FeedReport]]:
    path = ArchiveDirectory(settings.archive).followed
    fetcher = Fetcher(private=settings.allow_private)
    first_look = FeedRun(urls, Subscriptions(path), fetcher)
    if not urls and not list(Subscriptions(path)):
        raise BadSetting("follow", "no feed is followed yet; name one: backfile follow URL")
    if reports := first_look.not_due():
        return Report(), reports
    with (
        Bars(quiet=quiet) as bars,
        open_for_writing(settings, bars, create=True) as opened,
    ):
        subscriptions = Subscriptions(path)  # read again, now that no other process can change them
        keeper = opened.engines.catalog.originals if originals else None
        feed_run = FeedRun(urls, subscriptions, fetcher, originals=keeper)
        run = opened.indexer.run if vectors else opened.indexer.index
        report = run(feed_run)
        subscriptions.write()
    return report, feed_run.reports


def _say(report: Report, reports: list[FeedReport], *, quiet: bool, as_json: bool) -> None:
    if as_json:
        feeds = [
            {
                "url": each.url,
                "outcome": each.outcome,
                "entries": each.entries,
                "due": each.due_at.isoformat() if each.due_at else None,
            }
            for each in reports
        ]
        click.echo(json.dumps({**report_as_json(report), "feeds": feeds}))
        return
    for each in () if quiet else reports:
        if each.outcome is Outcome.NOT_DUE:
            click.echo(f"{each.url}: not asked before {_minute(each.due_at)}, as its server wants")
        elif each.outcome is Outcome.UNCHANGED:
            click.echo(f"{each.url}: nothing new")
    if not quiet or report.refused:
        print_report(report, as_json=False)


def _list(settings: Settings, *, as_json: bool) -> None:
    subscribed = list(Subscriptions(ArchiveDirectory(settings.archive).followed))
    if as_json:
        shown = [
            {
                "url": each.url,
                "moved_to": each.moved_to,
                "fetched": each.fetched_at.isoformat() if each.fetched_at else None,
                "due": each.due_at.isoformat() if each.due_at else None,
            }
            for each in subscribed
        ]
        click.echo(json.dumps(shown))
    else:
        for each in subscribed:
            moved = f" (moved to {each.moved_to})" if each.moved_to else ""
            click.echo(f"{each.url}{moved}  fetched {_minute(each.fetched_at)}")
    raise SystemExit(0 if subscribed else 1)


def _forget(settings: Settings, urls: tuple[str, ...]) -> None:
    directory = ArchiveDirectory(settings.archive)
    directory.require()
    with directory.writing():
        subscriptions = Subscriptions(directory.followed)
        unknown = [url for url in urls if not subscriptions.forget(url)]
        subscriptions.write()
    for url in unknown:
        click.echo(f"{url} is not followed; --list shows what is", err=True)
    raise SystemExit(1 if unknown else 0)


def _minute(instant: datetime | None) -> str:
    return f"{instant.astimezone():%Y-%m-%d %H:%M}" if instant else "never"
