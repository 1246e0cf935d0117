"""Measures how fast passages are embedded, beside plain `SentenceTransformer.encode`, in one run.

Run as `python -m backfile.scripts.bench.embedding FILE...`.
"""

import random
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.article import Article
from backfile.archive.model.errors import BadSetting
from backfile.archive.model.settings import INT8, Settings
from backfile.archive.passages import embedded_text, split
from backfile.archive.store.directory import ArchiveDirectory
from backfile.index.model.arrays import Floats
from backfile.index.seams.protocols import Embedder
from backfile.index.vector.embedding.model import find_model
from backfile.index.wiring import embedder_of, int8_embedder_of, tokenizer_of
from backfile.scripts.bench.timing import Cost, cost_of

SEED = 1963
FIRST = 64  # passages that load a model, and decide on an engine
NEAREST = 10
HEADING = ("", "a second", "x plain", "a processor s", "x plain", "least cosine", "overlap")

Embed = Callable[[Sequence[str]], Any]


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--passages", "n_passages", default=1024, show_default=True, help="How many.")
@click.option("--turns", default=3, show_default=True, help="How often each embeds all of them.")
def main(paths: tuple[Path, ...], n_passages: int, turns: int) -> None:
    """Embed passages of articles in PATHS, drawn at random, with each engine in turn.

    Medians of all turns are compared. The vectors are compared with those of plain `encode`, in
    float32: the least cosine, and the share of the ten nearest other passages that are the same.
    """
    settings = Settings.from_environment()
    texts = _texts(paths, settings)
    random.Random(SEED).shuffle(texts)
    texts = texts[:n_passages]
    lengths = [len(tokenizer_of(settings).starts(text)) for text in texts]
    click.echo(f"{len(texts):,} passages of {statistics.mean(lengths):.0f} tokens, {turns} turns")
    with tempfile.TemporaryDirectory() as folder:
        chosen = embedder_of(settings, graph=ArchiveDirectory(Path(folder)).query_graph)
        engines: dict[str, Embed] = {
            "plain encode": _plain(settings),
            "torch": embedder_of(settings).embed_passages,
        }
        if (named := _chosen(chosen, texts)) not in engines:
            engines[named] = chosen.embed_passages
        with suppress(BadSetting):  # what makes it is not installed
            int8 = int8_embedder_of(settings, ArchiveDirectory(Path(folder)))
            int8.make()
            engines[INT8] = int8.embed_passages
        vectors = {name: np.asarray(embed(texts[:FIRST])) for name, embed in engines.items()}
        costs: dict[str, list[Cost]] = {name: [] for name in engines}
        for _ in range(turns):
            for name, embed in engines.items():
                costs[name].append(cost_of(partial(_keep, vectors, name, embed, texts)))
    click.echo(_row(*HEADING))
    for line in _rows(costs, vectors, len(texts)):
        click.echo(line)


def _texts(paths: Sequence[Path], settings: Settings) -> list[str]:
    tokenizer = tokenizer_of(settings)
    found = [each for each in Reading(paths, FieldMap()) if isinstance(each, Article)]
    return [
        embedded_text(passage, article.given_title)
        for article in found
        for passage in split(article, tokenizer)
    ]


def _plain(settings: Settings) -> Embed:
    """The model as its own library runs it, with all defaults."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(find_model(settings.model)))
    return partial(model.encode, normalize_embeddings=True, show_progress_bar=False)


def _chosen(embedder: Embedder, texts: Sequence[str]) -> str:
    """The engine that an archive would use on this machine."""
    embedder.embed_passages(texts[:FIRST])
    return embedder.engine


def _keep(vectors: dict[str, Floats], name: str, embed: Embed, texts: Sequence[str]) -> None:
    vectors[name] = np.asarray(embed(texts))


def _rows(
    costs: dict[str, list[Cost]], vectors: dict[str, Floats], n_passages: int
) -> Iterator[str]:
    plain, *_ = costs
    rates = {
        name: [n_passages / statistics.median(each) for each in zip(*spent, strict=True)]
        for name, spent in costs.items()
    }
    for name, found in rates.items():
        cells = [
            cell
            for rate, beside in zip(found, rates[plain], strict=True)
            for cell in (f"{rate:.0f}", f"{rate / beside:.1f}")
        ]
        cosine = (vectors[name] * vectors[plain]).sum(axis=1).min()
        same = _overlap(vectors[name], vectors[plain])
        yield _row(name, *cells, f"{cosine:.4f}", f"{same:.3f}")


def _overlap(vectors: Floats, others: Floats) -> float:
    """The mean share of the NEAREST passages of each that are the same in both, (n, d) each."""
    nearest, count = [], min(NEAREST, len(vectors) - 1)
    for each in (vectors, others):
        cosines = each @ each.T
        np.fill_diagonal(cosines, -1)
        nearest.append(np.argpartition(-cosines, count - 1, axis=1)[:, :count])
    pairs = zip(*nearest, strict=True)
    return statistics.mean(len(np.intersect1d(a, b)) / count for a, b in pairs)


def _row(name: str, *cells: str) -> str:
    return f"{name:14}" + "".join(f"{cell:>15}" for cell in cells)


if __name__ == "__main__":
    main()
