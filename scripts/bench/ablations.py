"""Measures hybrid search over passages of other sizes, or passages embedded without their title.

Run as `python -m backfile.scripts.bench.ablations DIR... --passage-tokens 100 --no-title`. Each
variant has a temporary archive of its own: the articles are indexed as usual, and then cut or
embedded again.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.settings import Settings
from backfile.archive.passages import TARGET_TOKENS, Tokenizer, embedded_text, split
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.entries import Changes
from backfile.archive.workers import batches
from backfile.index.evaluation.judgments import Judgments
from backfile.index.evaluation.statistics import Values
from backfile.index.evaluation.systems import (
    FolderResult,
    System,
    measure,
    results_of,
    usual_systems,
)
from backfile.index.indexing.stages import SIZES
from backfile.index.seams.engines import Engines
from backfile.index.search.searcher import Searcher
from backfile.index.wiring import ranking_options, tokenizer_of
from backfile.index.writing import open_for_writing
from backfile.scripts.bench.archives import write_vectors
from backfile.scripts.commands.judged import articles_of, indexed, kept_archive, located, opened
from backfile.scripts.commands.options import as_json, judged_folders, quiet
from backfile.scripts.printing.evaluation_tables import print_results
from backfile.scripts.printing.progress import Bars

CUT_AT_ONCE = 500  # articles


@dataclass(frozen=True, slots=True)
class Passages:
    """How articles become vectors: passages of about so many tokens, with or without the title."""

    name: str
    tokens: int = TARGET_TOKENS
    titled: bool = True


@click.command()
@judged_folders
@kept_archive
@click.option(
    "--passage-tokens",
    type=click.IntRange(min=16),
    multiple=True,
    metavar="N",
    help="Try passages of about N tokens; may be repeated.",
)
@click.option("--no-title", is_flag=True, help="Try passages that are embedded without the title.")
@as_json
@quiet
def main(
    folders: tuple[Path, ...],
    archive: Path | None,
    passage_tokens: tuple[int, ...],
    no_title: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure hybrid search on each DIR of judged queries, as it is and over other passages.

    DIR is as for `backfile evaluate`. --archive keeps the archive of usual passages alone.
    """
    variants = [Passages(f"passages of {tokens}", tokens) for tokens in passage_tokens]
    variants += [Passages("no title", titled=False)] if no_title else []
    with located(folders, archive) as judged:
        found = (_evaluated(each, settings, variants, quiet=quiet) for each, settings in judged)
        print_results(found, as_json=as_json)


def _evaluated(
    judgments: Judgments, settings: Settings, variants: list[Passages], *, quiet: bool
) -> FolderResult:
    usual = usual_systems(ranking_options(settings))[0]
    measured = {}
    with indexed(judgments, settings, quiet=quiet) as engines:
        count = engines.catalog.counts().articles
        measured[usual] = _measured(engines, usual, judgments)
    for variant in variants:
        with varied(judgments, settings, variant, quiet=quiet) as engines:
            system = replace(usual, name=variant.name)
            measured[system] = _measured(engines, system, judgments)
    return FolderResult(judgments.name, count, tuple(judgments.queries), results_of(measured))


def _measured(engines: Engines, system: System, judgments: Judgments) -> dict[str, Values]:
    return measure(Searcher(engines, system.ranking), judgments, system.mode)


@contextmanager
def varied(
    judgments: Judgments, settings: Settings, passages: Passages, *, quiet: bool
) -> Iterator[Engines]:
    """Index the articles of a folder in a temporary archive, over these passages, and open it."""
    with tempfile.TemporaryDirectory() as folder:
        there = replace(settings, archive=Path(folder))
        with (
            Bars(quiet=quiet) as bars,
            open_for_writing(there, bars, create=True) as writing,
        ):
            writing.indexer.index(articles_of(judgments))
            cut_again(writing.engines.catalog, tokenizer_of(there), passages.tokens)
            if not passages.titled:
                embed_without_titles(writing.engines)
            writing.indexer.run(Reading([], FieldMap()))  # brings the indexes up to the record
        with opened(there) as engines:
            yield engines


def cut_again(catalog: Catalog, tokenizer: Tokenizer, tokens: int) -> None:
    """Cut all articles on record into passages of about so many tokens; they get other rows."""
    if tokens == TARGET_TOKENS:
        return
    articles = [article for article, _ in catalog.digests()]
    for some in batches(articles, CUT_AT_ONCE):
        entries = [(article, list(split(article, tokenizer, tokens))) for article in some]
        catalog.write(Changes(entries=entries))


def embed_without_titles(engines: Engines) -> None:
    """Embed all passages on record by their heading and text alone."""
    for rows in batches(engines.catalog.rows_after(0).tolist(), SIZES.embedded):
        texts = [embedded_text(each.passage, "") for each in engines.catalog.stored(rows)]
        write_vectors(engines, np.array(rows), engines.embedder.embed_passages(texts))


if __name__ == "__main__":
    main()
