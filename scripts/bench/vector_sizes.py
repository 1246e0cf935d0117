"""Times the search by meaning in vectors of several sizes: by codes, exactly, by Chroma and faiss.

Run as `python -m backfile.scripts.bench.vector_sizes --archive DIR --size 500000`. All vectors are
synthetic: those of the archive, moved at random.
"""

import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import click
import numpy as np

from backfile.archive.model.settings import Settings
from backfile.archive.store.vectors import VectorFile, Vectors
from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.scale import Spread
from backfile.index.seams.engines import Engines
from backfile.index.seams.protocols import Ranking
from backfile.index.vector.chroma_part import ChromaPart, write_part
from backfile.index.vector.chroma_snapshot import OVERSAMPLING, ChromaSnapshot
from backfile.index.vector.codes import CodeFile
from backfile.index.vector.vector_scan import VectorScan
from backfile.index.wiring import open_engines
from backfile.scripts.bench.archives import SEED, moved
from backfile.scripts.bench.baselines.registry import faiss_indexes
from backfile.scripts.bench.baselines.vectors import VectorBaseline
from backfile.scripts.bench.baselines.words import Kind
from backfile.scripts.bench.queries import queries_from, typed
from backfile.scripts.bench.timing import cost_of, own_memory, timed
from backfile.scripts.commands.options import with_settings

LIMIT = 100
AT_ONCE = 50_000
FLOOR = 0.3  # closeness
SHARES = (0.5, 0.1, 0.01)  # of the rows, that a filter lets pass
ALWAYS = 0  # rows scanned in the time of a neighbour of Chroma: it is always asked
NEIGHBOURS = (1_000, 2_000)  # that Chroma is queried for
SLOW = 10  # questions that are answered exactly

Task = Callable[[VectorScan, Floats], Ranking]


@click.command()
@click.option("--size", "sizes", multiple=True, type=int, required=True, help="Rows; repeatable.")
@click.option("--chroma", default=0, help="The greatest size that Chroma indexes, too.")
@click.option("--faiss", default=0, help="The greatest size that faiss indexes, too.")
@click.option("--graph", default=0, help="The greatest size of its graph, which is slow to build.")
@click.option("--queries", default=50, show_default=True, help="Questions from the archive.")
@with_settings
def main(
    settings: Settings, sizes: tuple[int, ...], chroma: int, faiss: int, graph: int, queries: int
) -> None:
    """Time searches by meaning in so many synthetic vectors.

    A line has the median and 95th percentile in milliseconds, processor milliseconds of all cores,
    the rows that are found, and the mean and least share of the exact result. The memory of an
    index of faiss is what no file backs; our codes and vectors are files that are mapped.
    """
    engines = open_engines(settings)
    asked = _asked(engines, queries)
    real = _real(engines)
    engines.catalog.close()
    click.echo(f"{len(asked)} questions; vectors of {len(real):,} passages, moved at random")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            for line in _measured(Path(folder), real, asked, size, with_chroma=size <= chroma):
                click.echo(line)
            for index in faiss_indexes() if size <= faiss else []:
                if "graph" not in index.name or size <= graph:
                    for line in _beside(index, Path(folder), real.shape[1], asked, size):
                        click.echo(line)


def _asked(engines: Engines, count: int) -> list[Floats]:
    texts = [typed(Kind.QUESTION, w) for w in queries_from(engines.catalog, count)[Kind.QUESTION]]
    return [engines.embedder.embed_query(text) for text in texts]


def _real(engines: Engines) -> Vectors:
    table = engines.catalog.passage_table()
    rows = table[table[:, 2] != 0, 0]
    found: Vectors = engines.vectors.read(int(rows.max()) + 1)[rows]
    return found


def _fill(file: VectorFile, real: Vectors, rows: Rows) -> None:
    chance = np.random.default_rng(SEED)
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        file.write(some, moved(real[chance.integers(0, len(real), len(some))], chance))


def _measured(
    folder: Path, real: Vectors, asked: Sequence[Floats], size: int, *, with_chroma: bool
) -> Iterator[str]:
    file, rows = VectorFile(folder / "vectors", real.shape[1]), np.arange(1, size + 1)
    _fill(file, real, rows)
    embedded = np.arange(size + 1) > 0
    codes = CodeFile(file)
    cost = cost_of(partial(codes.bring_up, rows))
    yield f"{size:,} rows: codes made in {cost.seconds:.1f} s"
    vectors, coded = file.read(size + 1), codes.read(size + 1)
    scan, exact = VectorScan(vectors, coded), VectorScan(vectors, coded.part(slice(0)))
    some = rows[:: max(1, size // AT_ONCE)]
    cosines = np.concatenate([scan.similarities(vector, some) for vector in asked])
    floor = Spread.of(cosines).cosine(FLOOR)
    few = sum(len(scan.within(vector, embedded, floor).rows) <= LIMIT for vector in asked)
    yield f"  floor {floor:.3f}; {few} of {len(asked)} questions have at most {LIMIT} rows above it"
    tasks: dict[str, Task] = {"above the floor": lambda way, v: way.within(v, embedded, floor)}
    for name, mask in _masks(embedded).items():
        tasks[f"nearest {LIMIT}, {name}"] = partial(_nearest, mask)
    for name, ask in tasks.items():
        truth, line = _timed(partial(ask, exact), asked[:SLOW], ())
        yield f"  {name:28} exactly  {line}"
        yield f"  {name:28} by codes {_timed(partial(ask, scan), asked, truth)[1]}"
    if with_chroma:
        place = folder / "part"
        place.mkdir()
        cost = cost_of(partial(write_part, place, rows, vectors))
        yield f"  Chroma's part made in {cost.seconds:.0f} s"
        part = ChromaPart(place)
        part.open()
        asking = ChromaSnapshot([part], file, coded, embedded, rows_a_neighbour=ALWAYS)
        truth = [_nearest(embedded, scan, vector) for vector in asked]
        for count in NEIGHBOURS:
            line = _timed(partial(_by_chroma, asking, count), asked, truth)[1]
            yield f"  nearest {LIMIT}, unfiltered       Chroma   {line}, of {count:,}"


def _beside(
    index: VectorBaseline, folder: Path, dimension: int, asked: Sequence[Floats], size: int
) -> Iterator[str]:
    """Build and search a baseline over the vectors that `_measured` has left in the folder."""
    file, rows = VectorFile(folder / "vectors", dimension), np.arange(1, size + 1)
    vectors = file.read(size + 1)
    before = own_memory()
    cost = cost_of(partial(index.build, rows, vectors[1:], rows))
    memory = (own_memory() - before) / 1e6
    yield (
        f"  {index.name} made in {cost.seconds:.0f} s, {cost.processor:.0f} processor; "
        f"{memory:,.0f} MB of memory"
    )
    embedded = np.arange(size + 1) > 0
    scan = VectorScan(vectors, CodeFile(file).read(size + 1))
    for share, since in ((1.0, None), (0.5, size // 2 + 1), (0.1, size - size // 10 + 1)):
        mask = embedded if since is None else embedded & (np.arange(size + 1) >= since)
        truth = [_nearest(mask, scan, vector) for vector in asked]
        line = _timed(partial(_ranked, index, since), asked, truth)[1]
        yield f"  nearest {LIMIT}, newest {share:4.0%}       {index.name} {line}"
    index.close()


def _ranked(index: VectorBaseline, since: int | None, vector: Floats) -> Ranking:
    rows = index.nearest(vector, since, LIMIT)
    return Ranking(rows, np.zeros(len(rows), np.float32))


def _nearest(mask: Bools, scan: VectorScan, vector: Floats) -> Ranking:
    return scan.nearest(vector, mask, LIMIT)


def _by_chroma(asking: ChromaSnapshot, count: int, vector: Floats) -> Ranking:
    """The nearest by Chroma, which is queried for `count` neighbours."""
    rows, scores = asking.nearest(vector, None, count // OVERSAMPLING)
    return Ranking(rows[:LIMIT], scores[:LIMIT])


def _masks(embedded: Bools) -> dict[str, Bools]:
    """Filters that let a share of the rows pass: rows here and there, and the newest ones."""
    chance, found = np.random.default_rng(SEED), {"unfiltered": embedded}
    for share in SHARES:
        found[f"any {share:.0%}"] = embedded & (chance.random(len(embedded)) < share)
        newest = np.arange(len(embedded)) >= (1 - share) * len(embedded)
        found[f"newest {share:.0%}"] = embedded & newest
    return found


def _timed(
    ask: Callable[[Floats], Ranking], asked: Sequence[Floats], truth: Sequence[Ranking]
) -> tuple[list[Ranking], str]:
    """Ask once, then time each question; return the answers, and a line of figures."""
    ask(asked[0])
    found: list[Ranking] = []
    took: list[float] = []

    def all_of_them() -> None:
        latency, answers = timed([partial(ask, vector) for vector in asked])
        took.extend((latency.p50, latency.p95))
        found.extend(answers)

    cost = cost_of(all_of_them)
    shares = [
        len(np.intersect1d(one.rows, other.rows)) / max(1, len(other.rows))
        for one, other in zip(found, truth, strict=False)
    ]
    line = f"{took[0]:7.1f} /{took[1]:7.1f} ms, {1000 * cost.processor / len(found):6.1f} processor"
    line += f", {statistics.mean(len(each.rows) for each in found):8,.0f} rows"
    if shares:
        line += f", recall {statistics.mean(shares):.3f} (least {min(shares):.2f})"
    return found, line


if __name__ == "__main__":
    main()
