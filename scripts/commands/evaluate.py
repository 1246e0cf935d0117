"""The command that measures the ranking: evaluate."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import wraps
from pathlib import Path, PurePath
from typing import Any

import click

from backfile.archive.model.settings import Settings
from backfile.index.evaluation.judgments import Judgments
from backfile.index.evaluation.systems import (
    FolderResult,
    System,
    measure,
    results_of,
    usual_systems,
)
from backfile.index.seams.engines import Engines
from backfile.index.search.reranking import Reranking
from backfile.index.search.searcher import Searcher
from backfile.index.wiring import ranking_options, reranker_of
from backfile.scripts.commands.judged import indexed, kept_archive, located
from backfile.scripts.commands.options import (
    Command,
    as_json,
    judged_folders,
    quiet,
    trust_option,
)
from backfile.scripts.printing.evaluation_tables import print_results


@dataclass(frozen=True, slots=True)
class Ablations:
    """The values of each option of the ranking that are measured beside the usual one."""

    vector_weight: tuple[float, ...] = ()
    floor: tuple[float, ...] = ()
    passage_share: tuple[float, ...] = ()
    reranker: tuple[str, ...] = ()

    def of(self, usual: System) -> Iterator[System]:
        """Vary the usual system, one option at a time."""
        for name in ("vector_weight", "floor", "passage_share"):
            for value in getattr(self, name):
                ranking = replace(usual.ranking, **{name: value})
                yield replace(usual, name=f"{name.replace('_', ' ')} {value:g}", ranking=ranking)
        for model in self.reranker:
            yield replace(usual, name=f"reranked by {PurePath(model).name}", reranker=model)


def with_ablations(command: Command) -> Command:
    """Add the options; the command gets their values as `ablations`."""

    @click.option(
        "--vector-weight",
        type=click.FloatRange(0, 1),
        multiple=True,
        metavar="W",
        help="Try this share of meaning, 0 to 1, too; may be repeated, as the next three may.",
    )
    @click.option(
        "--floor",
        type=click.FloatRange(-1, 1),
        multiple=True,
        metavar="F",
        help="Try this floor, a closeness, too.",
    )
    @click.option(
        "--passage-share",
        type=click.FloatRange(0, 1),
        multiple=True,
        metavar="S",
        help="Try adding this share of an article's next two passages to its best one's score.",
    )
    @click.option(
        "--reranker",
        multiple=True,
        metavar="MODEL",
        help="Rerank the first 30 hits with this CrossEncoder, without a time limit.",
    )
    @wraps(command)
    def run(**options: Any) -> Any:
        ours = {each.name: options.pop(each.name) for each in fields(Ablations)}
        return command(ablations=Ablations(**ours), **options)

    return run


@click.command()
@judged_folders
@kept_archive
@trust_option
@with_ablations
@click.option("--per-query", is_flag=True, help="In the JSON, the values of each query too.")
@as_json
@quiet
def evaluate(
    folders: tuple[Path, ...],
    archive: Path | None,
    trust: bool,
    ablations: Ablations,
    per_query: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure the ranking on each DIR: articles.jsonl, queries.tsv, qrels.txt (TREC).

    Means over queries with their 95% intervals (bootstrap), and how each system's nDCG@10 differs
    from that of hybrid search, with the p of a paired randomisation test.
    """
    with located(folders, archive, trust=trust) as judged:
        found = (_evaluated(each, settings, ablations, quiet=quiet) for each, settings in judged)
        print_results(found, as_json=as_json, per_query=per_query)


def _evaluated(
    judgments: Judgments, settings: Settings, ablations: Ablations, *, quiet: bool
) -> FolderResult:
    usual = usual_systems(ranking_options(settings))
    with indexed(judgments, settings, quiet=quiet) as engines:
        measured = {
            system: measure(_searcher(engines, system, settings), judgments, system.mode)
            for system in [*usual, *ablations.of(usual[0])]
        }
        count = engines.catalog.counts().articles
    return FolderResult(judgments.name, count, tuple(judgments.queries), results_of(measured))


def _searcher(engines: Engines, system: System, settings: Settings) -> Searcher:
    reranker = reranker_of(system.reranker, settings) if system.reranker else None
    return Searcher(engines, system.ranking, Reranking(reranker) if reranker else None)
