"""The command that measures speed: benchmark.

Run as `backfile benchmark`, or `python -m backfile.scripts.bench.benchmark`, in a checkout.
"""

import json
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from shutil import copytree

import click

from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.index.model.query import Mode
from backfile.index.wiring import open_engines, searcher_over
from backfile.scripts.bench import lexical_search, vector_search
from backfile.scripts.bench.archives import Built, build
from backfile.scripts.bench.baselines.registry import REMEDY, baselines
from backfile.scripts.bench.baselines.words import Kind
from backfile.scripts.bench.benchmark_tables import Measured, tables
from backfile.scripts.bench.growing import grow
from backfile.scripts.bench.load import load
from backfile.scripts.bench.queries import queries_from, typed
from backfile.scripts.bench.whole_searches import time_embedding, time_searches
from backfile.scripts.commands.judged import CachingEmbedder
from backfile.scripts.commands.options import as_json, quiet, with_settings
from backfile.scripts.printing.progress import Bars

Say = Callable[[str], None]


@click.command()
@click.option("--queries", default=100, show_default=True, help="How many of each kind.")
@click.option(
    "--size",
    "sizes",
    type=click.IntRange(min=100),
    multiple=True,
    help="Build an archive of so many passages and measure that; may be repeated, ascending.",
)
@click.option(
    "--seconds", default=10.0, show_default=True, help="How long to ask a server in each mode."
)
@click.option(
    "--embed",
    "n_embedded",
    type=click.IntRange(min=1),
    default=512,
    show_default=True,
    help="How many passages to embed, to measure the rate.",
)
@click.option(
    "--baselines/--no-baselines", "beside", default=True, help="Other engines too, or not."
)
@click.option(
    "--scratch",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to build; what is built there already is used again. A temporary place otherwise.",
)
@as_json
@quiet
@with_settings
def benchmark(
    settings: Settings,
    queries: int,
    sizes: tuple[int, ...],
    seconds: float,
    n_embedded: int,
    beside: bool,
    scratch: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Time indexing and searching, beside other engines on the same passages.

    It works on copies of the archive: one of its own size, or one of each --size. If a size is more
    than the archive holds, further articles are recombined from its sentences, with synthetic
    vectors.
    """

    def say(what: str) -> None:
        if not quiet:
            click.echo(what, err=True)

    source = open_engines(settings)
    queries_from(source.catalog, queries)  # fails before anything is built
    with ExitStack() as stack:
        place = scratch or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found: list[Measured] = []
        built = None
        for size in sorted(sizes) or (source.catalog.counts().passages,):
            folder = place / str(size)
            folder.mkdir(parents=True, exist_ok=True)
            bars = stack.enter_context(Bars(quiet=quiet))
            say(f"{size:,} passages: building an archive")
            target = folder / "archive"
            built = build(
                source, settings, target, size, bars, n_embedded=n_embedded, smaller=built
            )
            found.append(_measure(built, folder, queries, seconds, say, beside=beside))
    if as_json:
        click.echo(json.dumps([asdict(measured) for measured in found], default=str))
    else:
        click.echo(tables(found))


def _measure(
    built: Built, folder: Path, count: int, seconds: float, say: Say, *, beside: bool
) -> Measured:
    engines = open_engines(built.settings)
    directory = ArchiveDirectory(built.settings.archive)
    queries = queries_from(engines.catalog, count)
    texts = {kind: [typed(kind, words) for words in queries[kind]] for kind in queries}
    has_vectors = built.synthetic is not None
    modes = (Mode.KEYWORD, Mode.HYBRID) if has_vectors else (Mode.KEYWORD,)
    say("  a server, asked by several clients")
    served = load(built.settings, modes, texts[Kind.WORDS], seconds)
    say("  searches")
    embedding = time_embedding(engines.embedder, queries) if has_vectors else None
    engines = replace(engines, embedder=CachingEmbedder(engines.embedder))
    engines.neighbours.warm()
    searches = list(time_searches(partial(searcher_over, engines, built.settings), queries))
    others = baselines(folder / "baselines")
    if not beside:
        others = others._replace(by_words=[], by_meaning=[])
    elif others.missing:
        say(f"without {' and '.join(others.missing)}: {REMEDY} brings them")
    say("  engines by words")
    words = list(lexical_search.compare(engines, directory.lexical, others.by_words, queries))
    say("  engines by meaning")
    asked = texts[Kind.QUESTION] if has_vectors else []
    near = list(vector_search.compare(engines, directory.chroma, others.by_meaning, asked))
    engines.catalog.close()
    say("  one more article")
    with tempfile.TemporaryDirectory() as copies:
        copy = Path(copytree(built.settings.archive, Path(copies) / "archive"))
        settings = replace(built.settings, archive=copy)
        growth = grow(settings, texts[Kind.WORDS], seconds, Path(copies))
    parts = directory.bytes_by_part()
    return Measured(built, parts, served, embedding, searches, words, near, growth)


if __name__ == "__main__":
    benchmark()
