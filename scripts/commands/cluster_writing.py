"""Commands that make and write the shards of a divided archive: `backfile cluster`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from backfile.archive.formats.dates.order import DateOrder
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import LOTS, Reading
from backfile.archive.model.settings import Settings
from backfile.archive.store.backup_files import BackupReport
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.workers import Workers
from backfile.index.cluster.map.cluster_map import ClusterMap
from backfile.index.cluster.map.shard_folders import require_free
from backfile.index.cluster.ray.actors import join
from backfile.index.cluster.writing.cluster_backup import back_up_cluster
from backfile.index.cluster.writing.dividing import begin_shard, divide, split
from backfile.index.cluster.writing.following import Followed, follow, require_followable
from backfile.index.cluster.writing.holding import HERE
from backfile.index.cluster.writing.machines import OtherHolder
from backfile.index.indexing.ingest_batch import Report
from backfile.index.reembedding import reembed as reembed_archive
from backfile.index.seams.protocols import Embedder
from backfile.index.wiring import open_engines, settings_now
from backfile.index.writing import open_for_writing
from backfile.scripts.commands.cluster_options import (
    Losses,
    copies_option,
    elsewhere_of,
    in_folder,
    nodes_option,
    settings_of,
)
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
@nodes_option
@copies_option
@quiet
@with_settings
def import_archive(
    settings: Settings,
    directory: Path,
    shards: int,
    since: tuple[datetime, ...],
    address: str | None,
    copies: int | None,
    quiet: bool,
) -> None:
    """Divide the archive into shards by day in the folder DIR, without embedding again.

    The archive stays as it is, and where articles are indexed: `update` brings the shards up to it.
    With --address, each machine has its shards in the folder DIR of its own.
    """
    require_free(directory, settings.archive)
    elsewhere, losses = elsewhere_of(settings, directory, address, copies, new=True), Losses()
    with Bars(quiet=quiet) as bars:
        divide(
            settings, directory, shards, bars, _say_made, since=_days(since) or None,
            elsewhere=elsewhere or (), n_copies=copies or 1, lost=losses.note,
        )  # fmt: skip
    where = f" --address {address}" if address else ""
    click.echo(
        f"the shards are in {directory}; `backfile cluster search {directory} WORDS{where}` "
        "searches them"
    )
    raise SystemExit(1 if losses.count else 0)


@click.command()
@in_folder
@since_option
@nodes_option
@copies_option
@quiet
@with_settings
def init(
    settings: Settings,
    directory: Path,
    since: tuple[datetime, ...],
    address: str | None,
    copies: int | None,
    quiet: bool,
) -> None:
    """Make a new archive, unless it is there, and shards for it in the folder DIR.

    There is one for news from each --since on, one for news before the first, and one for what is
    undated. With --address, each machine has its shards in the folder DIR of its own.
    """
    require_free(directory, settings.archive)
    elsewhere, losses = elsewhere_of(settings, directory, address, copies, new=True), Losses()
    if not ArchiveDirectory(settings.archive).exists():
        with Bars(quiet=quiet) as bars, open_for_writing(settings, bars, create=True):
            click.echo(f"made the archive {settings.archive}")
    with Bars(quiet=quiet) as bars:
        divide(
            settings, directory, 1, bars, _say_made, since=_days(since),
            elsewhere=elsewhere or (), n_copies=copies or 1, lost=losses.note,
        )  # fmt: skip
    raise SystemExit(1 if losses.count else 0)


@click.command("split")
@in_folder
@click.argument("name", metavar="SHARD")
@nodes_option
@quiet
@with_settings
def split_shard(
    settings: Settings, directory: Path, name: str, address: str | None, quiet: bool
) -> None:
    """Divide one shard by day into two of about equal sizes.

    Searches go on meanwhile. Servers go over to the new shards by themselves; where shards are open
    in a Ray cluster, run `start` again. With --address, all are brought up to the archive, too.
    """
    if address is not None:
        _divide_elsewhere(settings, directory, address, name, None, quiet)
    with Bars(quiet=quiet) as bars:
        split(settings, directory, name, bars, _say_made)


@click.command()
@in_folder
@click.argument("day", type=DAY, metavar="DAY")
@nodes_option
@quiet
@with_settings
def add(
    settings: Settings, directory: Path, day: datetime, address: str | None, quiet: bool
) -> None:
    """Have the news from DAY on in a new shard.

    Searches go on meanwhile, as with `split`.
    """
    if address is not None:
        name = ClusterMap.read(directory).name_of(day.date())
        _divide_elsewhere(settings, directory, address, name, day.date(), quiet)
    with Bars(quiet=quiet) as bars:
        begin_shard(settings, directory, day.date(), bars, _say_made)


@click.command()
@in_folder
@click.option(
    "--all", "everything", is_flag=True,
    help="Compare all articles, and make lost shards anew; what others added to a shard goes.",
)  # fmt: skip
@nodes_option
@copies_option
@quiet
@with_settings
def update(
    settings: Settings,
    directory: Path,
    everything: bool,
    address: str | None,
    copies: int | None,
    quiet: bool,
) -> None:
    """Bring the shards in DIR up to the archive that they were made from.

    Of the shards in which nothing has changed, only the first is written. If the archive has
    another model, all shards are made anew, without embedding. Searches go on meanwhile; after
    shards were made anew, run `start` again where they are open in a Ray cluster.

    With --address, the shards that the machines of a Ray cluster have in DIR, on disks of their
    own, are written there, on all machines at once. Exit 1 if one of them could not write its own.
    """
    elsewhere = elsewhere_of(settings, directory, address, copies)
    lost = _follow(settings, directory, elsewhere, copies, everything=everything, quiet=quiet)
    raise SystemExit(1 if lost else 0)


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
    "--address",
    help="Read, cut and embed on all nodes of this Ray cluster, or of `auto`; its machines write "
    "the shards that they hold.",
)
@copies_option
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
    copies: int | None,
    actors: int | None,
    quiet: bool,
) -> None:
    """Index files and folders into the archive, and bring the shards in DIR up to it.

    Safe to run again. With --address, machines write the shards that they hold, as with `update`.
    Exit 1 if some files were refused, or a machine could not write its shards.
    """
    elsewhere = elsewhere_of(settings, directory, address, copies)
    require_followable(settings, directory, elsewhere)
    nodes, embedder = None, None
    if address is not None:
        nodes = _nodes(address)
        embedder = None if no_vectors else _pooled(settings, actors)
    names = FieldMap.from_options(mapping, DateOrder(date_order) if date_order else None)
    report = _index(settings, paths, names, nodes, embedder, no_vectors, no_originals, quiet)
    print_report(report, as_json=False)
    lost = _follow(settings, directory, elsewhere, copies, quiet=quiet)
    raise SystemExit(1 if report.refused or lost else 0)


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
    elsewhere = elsewhere_of(settings, directory, address, None)
    require_followable(settings_now(settings), directory, elsewhere)
    embedder_of = None
    if address is not None:
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


def _divide_elsewhere(
    settings: Settings, directory: Path, address: str, name: str, day: date | None, quiet: bool
) -> NoReturn:
    """Divide a shard on the machines that hold it."""
    elsewhere = elsewhere_of(settings, directory, address, None)
    lost = _follow(settings, directory, elsewhere, None, divided=(name, day), quiet=quiet)
    raise SystemExit(1 if lost else 0)


def _follow(
    settings: Settings,
    directory: Path,
    elsewhere: Sequence[OtherHolder] | None,
    copies: int | None,
    *,
    everything: bool = False,
    divided: tuple[str, date | None] | None = None,
    quiet: bool,
) -> int:
    """Bring the shards up to the archive; return how many machines have failed."""
    losses = Losses()
    with Bars(quiet=quiet) as bars:
        follow(
            settings, directory, bars, _say_followed, everything=everything,
            elsewhere=elsewhere, n_copies=copies or 0, divided=divided, lost=losses.note,
        )  # fmt: skip
    return losses.count


def _say_made(name: str, articles: int) -> None:
    click.echo(f"{name}: {count_of(articles, 'article')}")


def _say_followed(found: Followed) -> None:
    left = f", {found.left:,} left" if found.left else ""
    where = "" if found.place == HERE else f" on {found.place}"
    click.echo(f"{found.name}{where}: {count_of(found.changed, 'article')} new or changed{left}")


def _days(since: tuple[datetime, ...]) -> list[date]:
    return [each.date() for each in since]


WRITING = (import_archive, init, split_shard, add, update, index, reembed, backup)
