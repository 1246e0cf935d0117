"""Times searches of an archive in shards beside the same archive undivided, in one run.

The shards are open in processes of Ray on this machine, so what is measured is what dividing costs:
the rounds, and what crosses between processes. What it saves needs machines of their own.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import click

from backfile.archive.model.settings import Settings
from backfile.index.cluster.ray.shards import start_shards, stop_shards
from backfile.index.cluster.search.searching import ClusterSearcher
from backfile.index.cluster.writing.dividing import divide
from backfile.index.model.query import Query
from backfile.index.model.results import Results
from backfile.index.wiring import open_searcher
from backfile.scripts.printing.progress import Bars

WARM = 3  # searches before those that are timed
KINDS = {
    "two words, by words": {"q": ["council vote"], "mode": ["keyword"]},
    "two words": {"q": ["council vote"]},
    "a question": {"q": ["why did the council vote against the new budget"]},
    "a phrase": {"q": ['"prime minister"']},
    "two words since a day": {"q": ["council vote"], "since": ["2020-06-01"]},
    "the newest": {"q": [""], "sort": ["newest"]},
    "two words, month by month": {"q": ["council vote"]},
}
MONTHS = [f"{year}-{month:02}" for year in range(2013, 2022) for month in range(1, 13)]


@click.command()
@click.option("--archive", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--shards", "counts", type=int, multiple=True, default=(1, 2, 4), show_default=True)
@click.option("--times", default=40, show_default=True, help="How often each search is timed.")
def main(archive: Path, counts: tuple[int, ...], times: int) -> None:
    """Print the median and the 95th percentile in ms, the rounds, and the bytes both ways."""
    import ray

    settings = replace(Settings.from_environment(), archive=archive)
    queries = {name: _queries(name, each) for name, each in KINDS.items()}
    whole = open_searcher(settings)
    for name, each in queries.items():
        click.echo(f"undivided, {name}: {_times(whole.search, each, times)}")
    ray.init(log_to_driver=False, include_dashboard=False)
    for count in counts:
        with TemporaryDirectory(dir=archive.parent) as scratch:
            folder = Path(scratch) / "cluster"
            cluster = divide(settings, folder, count, Bars(quiet=True), lambda *_: None)
            try:
                shards = start_shards(cluster, folder, settings)
                for shard in shards:
                    shard.wait()
                _time_shards(ClusterSearcher(shards), queries, times)
            finally:
                stop_shards(folder)


def _queries(name: str, parameters: Mapping[str, Sequence[str]]) -> list[Query]:
    """The queries of a kind, which are run by turns."""
    days = [{"since": [m], "until": [m]} for m in MONTHS] if "month" in name else [{}]
    return [Query.from_parameters({**parameters, **some}) for some in days]


def _time_shards(
    searcher: ClusterSearcher, queries: Mapping[str, Sequence[Query]], times: int
) -> None:
    with closing(searcher):
        for name, each in queries.items():
            taken = _times(searcher.search, each, times)
            last = searcher.last
            click.echo(
                f"{searcher.n_shards} shards, {name}: {taken}, {last.n_asked} asked, "
                f"{last.rounds} rounds, {last.n_bytes / 1000:.0f} kB"
            )


def _times(search: Callable[[Query], Results], queries: Sequence[Query], times: int) -> str:
    taken = []
    for i in range(WARM + times):
        began = time.perf_counter()
        search(queries[i % len(queries)])
        taken += [1000 * (time.perf_counter() - began)] if i >= WARM else []
    return f"{median(taken):.1f} / {quantiles(taken, n=20)[-1]:.1f} ms"


if __name__ == "__main__":
    main()
