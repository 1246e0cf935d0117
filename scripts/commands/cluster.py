"""Commands for an archive that is divided into shards: `backfile cluster`."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from backfile.archive.model.errors import ArchiveError, EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.index.cluster.map.cluster_map import SHARDS, ClusterMap
from backfile.index.cluster.map.shard_folders import shard_settings
from backfile.index.cluster.ray.actors import join
from backfile.index.cluster.ray.shards import (
    MOST_SECONDS_TO_END,
    earlier_actors,
    shards_there,
    start_shards,
    stop_shards,
    stop_when_left,
)
from backfile.index.cluster.search.opening import shards_here
from backfile.index.cluster.search.searching import ClusterSearcher
from backfile.index.cluster.writing.holding import HERE
from backfile.index.cluster.writing.inspecting import problems_of
from backfile.index.model.query import DEFAULT_HITS, MOST_HITS, Query
from backfile.index.search.result_cache import ScoredArticle
from backfile.index.wiring import open_engines
from backfile.scripts.commands.cluster_options import (
    address,
    elsewhere_of,
    in_folder,
    settings_of,
)
from backfile.scripts.commands.cluster_writing import WRITING
from backfile.scripts.commands.options import (
    Command,
    QueryCommand,
    output,
    trust_option,
    write_out,
)
from backfile.scripts.printing.counts import count_of
from backfile.scripts.printing.hits import print_results
from backfile.web.api.exports import EXPORTS, with_byte_order_mark

MOST_REPLICAS = 100
SECONDS_HERE = 3_600.0  # of a round, where all shards are open in this process


@click.group()
def cluster() -> None:
    """Divide an archive into shards, each an archive by itself, and search them as one."""


@cluster.command()
@in_folder
@click.option("--address", help="Show their replicas in this Ray cluster, too.")
@trust_option
def status(directory: Path, address: str | None, trust: bool) -> None:
    """Show the shards of a divided archive; exit 1 if one cannot be opened.

    With --address, also if a replica of one does not answer.
    """
    settings = settings_of(trust=trust)
    entries = ClusterMap.read(directory)
    out = 0
    for entry, archive in zip(entries.shards, entries.folders(directory), strict=True):
        if entries.copies and not archive.exists():
            click.echo(f"{entry.name}: on other machines")
            continue
        try:
            counts = open_engines(shard_settings(settings, archive)).catalog.counts()
        except ArchiveError as exc:
            click.echo(f"{entry.name}: {exc}", err=True)
            out += 1
            continue
        share = counts.embedded / max(1, counts.passages)
        click.echo(
            f"{entry.name}: {count_of(counts.articles, 'article')}, "
            f"{count_of(counts.passages, 'passage')}, {share:.0%} by meaning"
        )
    if address is not None:
        out += _show_replicas(entries, directory, address)
    raise SystemExit(1 if out else 0)


def _show_replicas(entries: ClusterMap, folder: Path, address: str) -> int:
    """Show which replicas answer; return how many do not, and how many shards have none."""
    join(address)
    out = 0
    for shard in shards_there(entries, folder):
        shard.wait()
        failures = [each.failures() for each in shard.replicas]
        answering = [
            each for each, wrong in zip(shard.replicas, failures, strict=True) if not wrong
        ]
        places = ", ".join(each.place for each in answering)
        click.echo(
            f"{shard.name}: {len(answering)} of {count_of(len(failures), 'replica')} "
            f"{'answers' if len(failures) == 1 else 'answer'}{places and f': {places}'}"
        )
        for wrong in filter(None, failures):
            click.echo(f"{shard.name}: {'; '.join(wrong)}", err=True)
        out += len(failures) - len(answering) if failures else 1
    return out


@cluster.command()
@in_folder
@click.option("--address", help="Check what all machines of this Ray cluster have, or of `auto`.")
@trust_option
def verify(directory: Path, address: str | None, trust: bool) -> None:
    """Check each shard against itself; exit 1 if something is wrong with any of them.

    With --address, also the shards that other machines have in DIR, on disks of their own.
    """
    settings = settings_of(trust=trust)
    elsewhere = elsewhere_of(settings, directory, address, None)
    found = problems_of(settings, directory, elsewhere)
    for each in found:
        click.echo(str(each))
    entries = ClusterMap.read(directory)
    if damaged := next((x.folder for x in found if x.folder and x.place == HERE), ""):
        archive = directory / SHARDS / damaged
        click.echo(f"`backfile verify --repair --archive {archive}` restores what it can", err=True)
    if any(each.folder and each.place != HERE for each in found):
        click.echo(
            "`update --all` makes what is damaged on other machines anew from the archive", err=True
        )
    if not found and elsewhere is None and (n_away := entries.n_away(directory)):
        here = len(entries.shards) - n_away
        click.echo(
            f"the {here} of {count_of(len(entries.shards), 'shard')} that lie here are sound"
        )
    elif not found:
        click.echo("all shards are sound")
    raise SystemExit(1 if found else 0)


@cluster.command()
@in_folder
@click.option(
    "--replicas", type=click.IntRange(1, MOST_REPLICAS), metavar="N",
    help="How many processes have each shard open, on different nodes where there are.  "
    "[default: as many as there are, of a new shard as many as of another, at least one]",
)  # fmt: skip
@address
@trust_option
def start(directory: Path, replicas: int | None, address: str, trust: bool) -> None:
    """Open each shard in a process of a Ray cluster, or in N; they stay open until `stop`.

    One that cannot be opened is left out of searches; exit 1. Run it again after a node was added
    or lost: it opens what is missing, and moves what shares a node without need. Run it after
    shards were made, too: searches go over to them once all are open, and the processes of the
    earlier ones end.
    """
    entries = ClusterMap.read(directory)
    join(address)
    out, is_whole = 0, True
    for shard in start_shards(entries, directory, settings_of(trust=trust), replicas or 0):
        before = out
        for replica in shard.replicas:
            try:
                replica.wait()
            except EngineUnavailable as exc:
                click.echo(f"{shard.name}: {exc}", err=True)
                out += 1
            else:
                articles = count_of(replica.articles, "article")
                click.echo(f"{shard.name}: {articles}, {replica.place}")
        is_whole &= out - before < len(shard.replicas)
    if earlier := earlier_actors(entries, directory):
        if is_whole:
            closed = stop_when_left(earlier, _print_waits)
            click.echo(f"closed {count_of(closed, 'replica')} of earlier shards")
        else:
            click.echo("searches go on in the earlier shards, which stay open", err=True)
    raise SystemExit(1 if out else 0)


def _print_waits(in_use: int) -> None:
    """Say what `start` waits for."""
    click.echo(
        f"waiting for searches that are still at work in {count_of(in_use, 'replica')} of earlier "
        f"shards, such as an export, {MOST_SECONDS_TO_END / 60:.0f} minutes at most; all later "
        "searches are in the new ones",
        err=True,
    )


@cluster.command()
@in_folder
@address
def stop(directory: Path, address: str) -> None:
    """Close the shards that `start` has opened."""
    ClusterMap.read(directory)  # a folder without one is a mistake
    join(address)
    click.echo(f"closed {count_of(stop_shards(directory), 'replica')}")


def search_options(command: Command) -> Command:
    """Add what narrows or orders a search."""
    for option in (
        click.option("--sort", default="relevance", show_default=True, help="As of `search`."),
        click.option("--until", default="", metavar="DAY", help="Up to this day, month or year."),
        click.option("--since", default="", metavar="DAY", help="From this day, month or year on."),
        click.option("--mode", default="hybrid", show_default=True, help="As of `search`."),
    ):
        command = option(command)
    return command


address_of_search = click.option(
    "--address", help="Search the shards that `start` has opened in this Ray cluster."
)


@cluster.command(cls=QueryCommand)
@in_folder
@click.argument("words", metavar="QUERY...", nargs=-1, required=True)
@search_options
@click.option("--limit", type=click.IntRange(1, MOST_HITS), default=DEFAULT_HITS, show_default=True)
@click.option("--cursor", default="", help="The `next` of an earlier answer.")
@address_of_search
@trust_option
def search(
    directory: Path,
    words: tuple[str, ...],
    address: str | None,
    trust: bool,
    limit: int,
    **parameters: str,
) -> None:
    """Find articles in all shards: opened in this process, or with --address where `start` did."""
    query = _query(words, {**parameters, "limit": str(limit)})
    entries = ClusterMap.read(directory)
    with ExitStack() as opened:
        searcher = _searcher(entries, directory, settings_of(trust=trust), address, opened)
        results = searcher.search(query)
    print_results(results, why=False)
    raise SystemExit(0 if results.hits else 1)


@cluster.command(cls=QueryCommand)
@in_folder
@click.argument("words", metavar="[QUERY...]", nargs=-1)
@search_options
@click.option("--format", "kind", type=click.Choice(list(EXPORTS)), default="csv")
@output
@address_of_search
@trust_option
def export(
    directory: Path,
    words: tuple[str, ...],
    kind: str,
    output: Path | None,
    address: str | None,
    trust: bool,
    **parameters: str,
) -> None:
    """Write every article that a search of all shards finds, as `backfile export` does."""
    query = _query(words, parameters)
    entries = ClusterMap.read(directory)
    with ExitStack() as opened:
        searcher = _searcher(entries, directory, settings_of(trust=trust), address, opened)
        found = _Counted(searcher.articles(query))
        written = EXPORTS[kind].write(found)
        write_out(with_byte_order_mark(written) if kind == "csv" else written, output)
    raise SystemExit(0 if found.total else 1)


class _Counted:
    """Passes articles on and counts them."""

    def __init__(self, articles: Iterator[ScoredArticle]) -> None:
        self._articles = articles
        self.total = 0

    def __iter__(self) -> Iterator[ScoredArticle]:
        for each in self._articles:
            self.total += 1
            yield each


def _query(words: Sequence[str], parameters: Mapping[str, str]) -> Query:
    given = {name: [value] for name, value in parameters.items() if value}
    return Query.from_parameters({"q": [" ".join(words)], **given})


def _searcher(
    entries: ClusterMap, folder: Path, settings: Settings, address: str | None, opened: ExitStack
) -> ClusterSearcher:
    """A searcher of the shards in a Ray cluster, or of those that are opened here.

    The latter have as long as `search` has: to load the model may take longer than a server waits.
    """
    if address is not None:
        join(address)
        there = start_shards(entries, folder, settings)
        for each in there:
            each.wait()
        searcher = ClusterSearcher(there)
    else:
        entries.require_here(folder)
        shards = shards_here(entries, folder, settings)
        for shard in shards:
            shard.open()
            opened.callback(shard.close)
        searcher = ClusterSearcher(shards, budget=math.inf, seconds_a_round=SECONDS_HERE)
    opened.callback(searcher.close)
    return searcher


for writing in WRITING:
    cluster.add_command(writing)
