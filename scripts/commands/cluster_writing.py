"""Commands that make and write the shards of a divided archive: `backfile cluster`."""

from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backfile.archive.formats.dates.order import DateOrder
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import LOTS, Reading
from backfile.archive.model.settings import Settings
from backfile.archive.store.backup_files import BackupReport
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.workers import Workers
from backfile.index.cluster.ray.actors import join
from backfile.index.cluster.writing.cluster_backup import back_up_cluster
from backfile.index.cluster.writing.dividing import begin_shard, divide, require_free, split
from backfile.index.cluster.writing.following import Followed, follow, require_followable
from backfile.index.indexing.ingest_batch import Report
from backfile.index.reembedding import reembed as reembed_archive
from backfile.index.seams.protocols import Embedder
from backfile.index.wiring import open_engines, settings_now
from backfile.index.writing import open_for_writing
from backfile.scripts.commands.cluster_options import in_folder, settings_of
from backfile.scripts.commands.index import no_originals_option, no_vectors_option
from backfile.scripts.commands.maintain import keep_option, model_option
from backfile.scripts.commands.options import (
    quiet,
    trust_option,
    with_settings,
    with_threads,
)
from backfile.scripts.printing.counts import count_of
from backfile.scripts.printing.progress import Bars, bytes_bar
from backfile.scripts.printing.reports import print_reembedded, print_report

if TYPE_CHECKING:
    from backfile.index.cluster.ray.workers import RayWorkers

DAY = click.DateTime(["%Y-%m-%d"])
actors_option = click.option(
    "--actors", type=click.IntRange(min=1), metavar="N",
    help="How many processes embed.  [default: one for each GPU, or else each core]",
)  # fmt: skip
since_option = click.option(
    "--since", type=DAY, multiple=True, metavar="DAY", help="A shard begins with this day."
)


@click.command("import")
@in_folder
@click.option(
    "--shards", type=click.IntRange(1, 1000), default=4, show_default=True, metavar="N",
    help="How many shards to make, of about equal sizes; what is undated has its own.",
)  # fmt: skip
@since_option
@quiet
@with_settings
def import_archive(
    settings: Settings, directory: Path, shards: int, since: tuple[datetime, ...], quiet: bool
) -> None:
    """Divide the archive into shards by day in the folder DIR, without embedding again.

    The archive stays as it is, and where articles are indexed: `update` brings the shards up to it.
    """
    with Bars(quiet=quiet) as bars:
        divide(settings, directory, shards, bars, _say_made, since=_days(since) or None)
    click.echo(
        f"the shards are in {directory}; `backfile cluster search {directory} WORDS` searches them"
    )


@click.command()
@in_folder
@since_option
@quiet
@with_settings
def init(settings: Settings, directory: Path, since: tuple[datetime, ...], quiet: bool) -> None:
    """Make a new archive, unless it is there, and shards for it in the folder DIR.

    There is one for news from each --since on, one for news before the first, and one for what is
    undated.
    """
    require_free(directory, settings.archive)
    if not ArchiveDirectory(settings.archive).exists():
        with Bars(quiet=quiet) as bars, open_for_writing(settings, bars, create=True):
            click.echo(f"made the archive {settings.archive}")
    with Bars(quiet=quiet) as bars:
        divide(settings, directory, 1, bars, _say_made, since=_days(since))


@click.command("split")
@in_folder
@click.argument("name", metavar="SHARD")
@quiet
@trust_option
def split_shard(directory: Path, name: str, quiet: bool, trust: bool) -> None:
    """Divide one shard by day into two of about equal sizes.

    Searches go on meanwhile. Servers go over to the new shards by themselves; where shards are open
    in a Ray cluster, run `start` again.
    """
    with Bars(quiet=quiet) as bars:
        split(settings_of(trust=trust), directory, name, bars, _say_made)


@click.command()
@in_folder
@click.argument("day", type=DAY)
@quiet
@trust_option
def add(directory: Path, day: datetime, quiet: bool, trust: bool) -> None:
    """Have the news from DAY on in a new shard.

    Searches go on meanwhile, as with `split`.
    """
    with Bars(quiet=quiet) as bars:
        begin_shard(settings_of(trust=trust), directory, day.date(), bars, _say_made)


@click.command()
@in_folder
@click.option(
    "--all", "everything", is_flag=True,
    help="Compare all articles, and make lost shards anew; what others added to a shard goes.",
)  # fmt: skip
@quiet
@with_settings
def update(settings: Settings, directory: Path, everything: bool, quiet: bool) -> None:
    """Bring the shards in DIR up to the archive that they were made from.

    Of the shards in which nothing has changed, only the first is written. If the archive has
    another model, all shards are made anew, without embedding. Searches go on meanwhile; after
    shards were made anew, run `start` again where they are open in a Ray cluster.
    """
    _follow(settings, directory, everything=everything, quiet=quiet)


@click.command()
@in_folder
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--map", "mapping", multiple=True, metavar="FIELD=NAME", help="As of `index`.")
@click.option(
    "--date-order", type=click.Choice([order.value for order in DateOrder]), help="As of `index`."
)
@no_vectors_option
@no_originals_option
@click.option(
    "--address", help="Read, cut and embed on all nodes of this Ray cluster, or of `auto`."
)
@actors_option
@quiet
@with_settings
@with_threads
def index(
    settings: Settings,
    directory: Path,
    paths: tuple[Path, ...],
    mapping: tuple[str, ...],
    date_order: str | None,
    no_vectors: bool,
    no_originals: bool,
    address: str | None,
    actors: int | None,
    quiet: bool,
) -> None:
    """Index files and folders into the archive, and bring the shards in DIR up to it.

    Safe to run again. Exit 1 if some files were refused.
    """
    require_followable(settings, directory)
    nodes, embedder = None, None
    if address is not None:
        nodes = _nodes(address)
        embedder = None if no_vectors else _pooled(settings, actors)
    names = FieldMap.from_options(mapping, DateOrder(date_order) if date_order else None)
    report = _index(settings, paths, names, nodes, embedder, no_vectors, no_originals, quiet)
    print_report(report, as_json=False)
    _follow(settings, directory, everything=False, quiet=quiet)
    raise SystemExit(1 if report.refused else 0)


@click.command()
@in_folder
@model_option
@keep_option
@click.option("--address", help="Embed on all nodes of this Ray cluster, or of `auto`.")
@actors_option
@quiet
@with_settings
@with_threads
def reembed(
    settings: Settings,
    directory: Path,
    model: str | None,
    keep: bool,
    address: str | None,
    actors: int | None,
    quiet: bool,
) -> None:
    """Give the archive of the shards in DIR another model, as `backfile reembed` does.

    The shards keep the earlier model until `update`.
    """
    ArchiveDirectory(settings.archive).require()
    require_followable(settings_now(settings), directory)
    embedder_of = None
    if address is not None:
        join(address)
        embedder_of = partial(_pooled, actors=actors)
    asked = replace(settings, model=model or settings.model)
    with Bars(quiet=quiet) as bars:
        done = reembed_archive(asked, bars, keep=keep, embedder_of=embedder_of)
    print_reembedded(done, settings)


@click.command()
@in_folder
@click.argument("dest", type=click.Path(path_type=Path))
@quiet
@trust_option
def backup(directory: Path, dest: Path, quiet: bool, trust: bool) -> None:
    """Copy the shards in DIR to DEST, a divided archive, too, also while they are searched.

    A later backup to the same DEST copies only what has changed. Exit 1 if a cache could not be
    copied. The archive that the shards follow has its own `backfile backup`.
    """
    notes = 0

    def say_copied(name: str, report: BackupReport) -> None:
        nonlocal notes
        click.echo(f"{name}: {count_of(report.made.articles, 'article')}")
        for note in report.notes:
            click.echo(f"{name}: {note}", err=True)
        notes += len(report.notes)

    watching = partial(bytes_bar, quiet=quiet)
    back_up_cluster(settings_of(trust=trust), directory, dest, watching, say_copied)
    raise SystemExit(1 if notes else 0)


def _index(
    settings: Settings,
    paths: tuple[Path, ...],
    names: FieldMap,
    nodes: "RayWorkers | None",
    embedder: Embedder | None,
    no_vectors: bool,
    no_originals: bool,
    quiet: bool,
) -> Report:
    aside = Workers(0) if embedder else None  # it would embed with a model of its own
    with (
        Bars(quiet=quiet) as bars,
        open_for_writing(settings, bars, embedder=embedder, aside=aside, elsewhere=nodes) as opened,
    ):
        originals = None if no_originals else opened.engines.catalog.originals
        pool, lots = (nodes, nodes.lots) if nodes else (opened.workers, LOTS)
        reading = Reading(paths, names, originals=originals, pool=pool, lots=lots)
        if no_vectors:
            return opened.indexer.index(reading)
        return opened.indexer.run(reading)


def _nodes(address: str) -> "RayWorkers":
    join(address)
    from backfile.index.cluster.ray.workers import RayWorkers

    return RayWorkers()


def _pooled(settings: Settings, actors: int | None) -> Embedder:
    from backfile.index.cluster.ray.embedding import start_embedding

    engines = open_engines(settings)
    engines.catalog.close()
    return start_embedding(settings, engines.embedder, actors)


def _follow(settings: Settings, directory: Path, *, everything: bool, quiet: bool) -> None:
    with Bars(quiet=quiet) as bars:
        follow(settings, directory, bars, _say_followed, everything=everything)


def _say_made(name: str, articles: int) -> None:
    click.echo(f"{name}: {count_of(articles, 'article')}")


def _say_followed(found: Followed) -> None:
    left = f", {found.left:,} left" if found.left else ""
    click.echo(f"{found.name}: {count_of(found.changed, 'article')} new or changed{left}")


def _days(since: tuple[datetime, ...]) -> list[date]:
    return [each.date() for each in since]


WRITING = (import_archive, init, split_shard, add, update, index, reembed, backup)
