"""The command that measures the ranking: evaluate."""

import json
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import click

from backfile.archive.model.settings import Settings
from backfile.archive.passages import USUAL_PASSAGES
from backfile.index.evaluation.judgments import Judgments
from backfile.index.evaluation.systems import (
    FolderResult,
    System,
    Values,
    Verdicts,
    measure,
    measure_ranked,
    results_of,
    usual_systems,
)
from backfile.index.evaluation.systems import verdicts as verdicts_of
from backfile.index.model.query import Mode
from backfile.index.seams.engines import Engines
from backfile.index.search.reranking import Reranking
from backfile.index.search.searcher import Searcher
from backfile.index.wiring import ranking_options, reranker_of
from backfile.scripts.bench.ablations import Ablations, with_ablations
from backfile.scripts.bench.bm25s_ranking import RIVAL, bm25s_over, require_rival, rival_of
from backfile.scripts.commands.judged import indexed, places
from backfile.scripts.commands.options import as_json, judged_folders, quiet
from backfile.scripts.printing.evaluation_tables import folder_json, folder_table


class Extras(NamedTuple):
    """What is measured beside the systems."""

    rival: bool
    verdicts: bool


@click.command()
@judged_folders
@click.option(
    "--archive",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the indexed articles here and use them again; a temporary place otherwise.",
)
@with_ablations
@click.option(
    "--beside",
    type=click.Choice([RIVAL]),
    help="Score the same passages and terms with another engine too (the `benchmark` extra).",
)
@click.option(
    "--verdicts", is_flag=True, help="Count how often real questions and nonsense find nothing."
)
@click.option("--per-query", is_flag=True, help="In the JSON, the values of each query too.")
@as_json
@quiet
def evaluate(
    folders: tuple[Path, ...],
    archive: Path | None,
    ablations: Ablations,
    beside: str | None,
    verdicts: bool,
    per_query: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure the ranking on each DIR: articles.jsonl, queries.tsv, qrels.txt (TREC).

    Means over queries with their 95% intervals (bootstrap), and how each system's nDCG@10 differs
    from that of hybrid search, with the p of a paired randomisation test.
    """
    if beside:
        require_rival()
    judged = [Judgments.in_folder(folder) for folder in folders]
    settings = Settings.from_environment()
    with ExitStack() as stack:
        root = archive or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        kept = places(judged, root)
        found = []
        for judgments in judged:
            there = replace(settings, archive=kept[judgments.name])
            extras = Extras(rival=bool(beside), verdicts=verdicts)
            found.append(_evaluated(judgments, there, ablations, extras, quiet=quiet))
            if not as_json:
                click.echo(folder_table(found[-1]))
    if as_json:
        click.echo(json.dumps([folder_json(result, per_query=per_query) for result in found]))


def _evaluated(
    judgments: Judgments, settings: Settings, ablations: Ablations, extras: Extras, *, quiet: bool
) -> FolderResult:
    """Measure all systems; those with other passages on temporary archives of their own."""
    usual = usual_systems(ranking_options(settings))
    systems = [*usual, *ablations.of(usual[0])]
    measured: dict[System, dict[str, Values]] = {}
    judged: dict[str, Verdicts] = {}
    count = 0
    for passages in dict.fromkeys(system.passages for system in systems):
        with ExitStack() as stack:
            there = settings
            if passages != USUAL_PASSAGES:
                folder = stack.enter_context(tempfile.TemporaryDirectory())
                there = replace(settings, archive=Path(folder))
            engines = stack.enter_context(indexed(judgments, there, passages=passages, quiet=quiet))
            count = engines.catalog.counts().articles
            for system in (system for system in systems if system.passages == passages):
                searcher = _searcher(engines, system, settings)
                measured[system] = measure(searcher, judgments, system.mode)
            if extras.verdicts and passages == USUAL_PASSAGES:
                searcher = Searcher(engines, usual[0].ranking)
                judged = verdicts_of(searcher, judgments, engines)
            if extras.rival and passages == USUAL_PASSAGES:
                keyword = next(system for system in usual if system.mode is Mode.KEYWORD)
                ranked = stack.enter_context(bm25s_over(engines))
                measured[rival_of(keyword)] = measure_ranked(ranked, judgments)
    queries = tuple(judgments.queries)
    return FolderResult(judgments.name, count, queries, results_of(measured), judged)


def _searcher(engines: Engines, system: System, settings: Settings) -> Searcher:
    reranker = reranker_of(system.reranker, settings) if system.reranker else None
    return Searcher(engines, system.ranking, Reranking(reranker) if reranker else None)
