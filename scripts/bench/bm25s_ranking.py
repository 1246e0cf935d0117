"""Measures keyword search beside bm25s, which scores the same passages and terms.

Run as `python -m backfile.scripts.bench.bm25s_ranking DIR...`, with the `benchmark` extra.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import click
import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.index.evaluation.judgments import Judgments, plain_text
from backfile.index.evaluation.systems import (
    DEPTH,
    FolderResult,
    System,
    measure,
    measure_ranked,
    results_of,
)
from backfile.index.lexical.query_parser.parser import parse
from backfile.index.model.expression import positive_leaves
from backfile.index.model.query import Mode
from backfile.index.seams.engines import Engines
from backfile.index.search.searcher import Searcher
from backfile.index.wiring import ranking_options
from backfile.scripts.bench.baselines.registry import REMEDY
from backfile.scripts.bench.baselines.words import Passage, as_terms
from backfile.scripts.commands.judged import indexed, kept_archive, located
from backfile.scripts.commands.options import as_json, judged_folders, quiet
from backfile.scripts.printing.evaluation_tables import print_results

ENGINE = "bm25s"


@click.command()
@judged_folders
@kept_archive
@as_json
@quiet
def main(folders: tuple[Path, ...], archive: Path | None, as_json: bool, quiet: bool) -> None:
    """Measure keyword search and bm25s on each DIR of judged queries, as `backfile evaluate`."""
    require_bm25s()
    with located(folders, archive) as judged:
        found = (_evaluated(each, settings, quiet=quiet) for each, settings in judged)
        print_results(found, as_json=as_json)


def require_bm25s() -> None:
    """Raise EngineUnavailable where bm25s is not installed."""
    if find_spec(ENGINE) is None:
        raise EngineUnavailable(ENGINE, f"it is not installed; `{REMEDY}` brings it")


def _evaluated(judgments: Judgments, settings: Settings, *, quiet: bool) -> FolderResult:
    keyword = System("keyword", Mode.KEYWORD, ranking_options(settings))
    beside = replace(keyword, name=f"{ENGINE}, Lucene")
    with indexed(judgments, settings, quiet=quiet) as engines, bm25s_over(engines) as ranked:
        measured = {
            keyword: measure(Searcher(engines, keyword.ranking), judgments, keyword.mode),
            beside: measure_ranked(ranked, judgments),
        }
        count = engines.catalog.counts().articles
    return FolderResult(judgments.name, count, tuple(judgments.queries), results_of(measured))


@contextmanager
def bm25s_over(engines: Engines) -> Iterator[Callable[[str], list[str]]]:
    """Index the passages of an archive; give a function that ranks article ids for a text.

    Only the scoring differs from ours: passages, terms, the reading of pasted posts, k1 and b are
    the same, and an article scores as its best passage. bm25s has one field for title and text, and
    every article that holds any of the words matches.
    """
    from backfile.scripts.bench.baselines.bm25s_index import BM25S

    stored = list(engines.catalog.stored(engines.catalog.rows_after(0).tolist()))
    passages = (Passage(s.row, s.article.given_title, s.passage.text) for s in stored)
    owners = {each.row: each.article.id for each in stored}
    with tempfile.TemporaryDirectory() as folder:
        index = BM25S(Path(folder) / ENGINE)
        index.build(as_terms(passages))

        def ranked(text: str) -> list[str]:
            read = parse(plain_text(text)).expression
            leaves = positive_leaves(read) if read else ()
            rows, scores = index.scores([word for leaf in leaves for word in leaf.text.split()])
            order = np.argsort(-scores, kind="stable")
            best = (owners[int(rows[i])] for i in order[: int((scores > 0).sum())])
            return list(dict.fromkeys(best))[:DEPTH]

        yield ranked
        index.close()


if __name__ == "__main__":
    main()
