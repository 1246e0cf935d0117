"""The command that fits the ranking to an archive: tune."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click
import numpy as np

from archive.errors import BadSetting
from archive.settings import Settings
from archive.store.directory import ArchiveDirectory
from archive.store.tuning import Tuning
from index.engines import Engines
from index.evaluation.judgments import BadJudgments, Judgments
from index.evaluation.systems import MAIN_MEASURE, Values, measure
from index.evaluation.tuning import Tuned, cross_validate, weights_to_try
from index.query import Mode
from index.ranking import Fusion
from index.search import Searcher
from index.wiring import ranking_options
from scripts.evaluation_tables import difference, interval
from scripts.judged import indexed, opened
from scripts.options import as_json, judged_folders, quiet

Reached = dict[float, Values]


@click.command()
@judged_folders
@click.option(
    "--archive",
    type=click.Path(path_type=Path, file_okay=False),
    help="Tune this archive, whose articles are judged; else the articles in each DIR are indexed.",
)
@click.option("--force", is_flag=True, help="Write the weight even if it may be no better.")
@as_json
@quiet
def tune(
    folders: tuple[Path, ...], archive: Path | None, force: bool, as_json: bool, quiet: bool
) -> None:
    """Find the share of meaning in hybrid search that suits the judged queries of each DIR best.

    What it is worth is told by cross-validation in five folds. With --archive it is written into
    that archive, if it is better beyond noise.
    """
    settings = Settings.from_environment()
    if settings.fusion == Fusion.RRF:
        raise BadSetting("BACKFILE_FUSION", "rrf has no weight to tune; set it to convex")
    judged = [Judgments.in_folder(folder, with_articles=archive is None) for folder in folders]
    if archive:
        settings = replace(settings, archive=archive)
        reached = _on_archive(judged, settings)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            settings = replace(settings, archive=Path(scratch))
            reached = _on_own_articles(judged, settings, quiet=quiet)
    tuned = cross_validate(_pooled(reached), ranking_options(settings).vector_weight)
    written = archive is not None and (force or tuned.beyond_noise)
    if written:
        _write(tuned, settings)
    if as_json:
        click.echo(json.dumps({**asdict(tuned), "written": written}))
        return
    click.echo(_table(tuned, sum(len(judgments.queries) for judgments in judged)))
    click.echo(_conclusion(tuned, settings, named=archive is not None, written=written))


def _on_archive(judged: Sequence[Judgments], settings: Settings) -> list[Reached]:
    with opened(settings) as engines:
        for judgments in judged:
            if not len(engines.catalog.rows_of(judgments.relevant())):
                reason = f"answers no query with an article of {settings.archive}"
                raise BadJudgments(Path(judgments.name), reason)
        return [dict(_reached(engines, judgments, settings)) for judgments in judged]


def _on_own_articles(
    judged: Sequence[Judgments], settings: Settings, *, quiet: bool
) -> list[Reached]:
    found = []
    for place, judgments in enumerate(judged):
        own = replace(settings, archive=settings.archive / str(place))
        with indexed(judgments, own, quiet=quiet) as engines:
            found.append(dict(_reached(engines, judgments, own)))
    return found


def _reached(
    engines: Engines, judgments: Judgments, settings: Settings
) -> Iterator[tuple[float, Values]]:
    """What each weight reaches on every query."""
    options = ranking_options(settings)
    for weight in weights_to_try(options.vector_weight):
        searcher = Searcher(engines, replace(options, vector_weight=weight))
        yield weight, measure(searcher, judgments, Mode.HYBRID)[MAIN_MEASURE]


def _pooled(reached: Sequence[Reached]) -> Reached:
    """The queries of all folders, one after the other."""
    return {weight: np.concatenate([each[weight] for each in reached]) for weight in reached[0]}


def _write(tuned: Tuned, settings: Settings) -> None:
    directory = ArchiveDirectory(settings.archive)
    with directory.writing():
        Tuning(tuned.weight).write(directory.ranking)


def _table(tuned: Tuned, queries: int) -> str:
    chosen = sorted(set(tuned.by_fold))
    weights = f"{chosen[0]:g}" if len(chosen) == 1 else f"{chosen[0]:g} to {chosen[-1]:g}"
    return "\n".join(
        [
            f"{queries} queries; {MAIN_MEASURE}, each fold at the weight best for the others",
            f"{'before':8}{interval(tuned.before)}  vector weight {tuned.current:g}",
            f"{'after':8}{interval(tuned.after)}  vector weight {weights}",
            f"{'gain':8}{difference(tuned.gain)}",
        ]
    )


def _conclusion(tuned: Tuned, settings: Settings, *, named: bool, written: bool) -> str:
    best = f"on all queries {tuned.weight:g} is best"
    if written:
        overruled = "; but BACKFILE_VECTOR_WEIGHT is set, and overrules it"
        noted = overruled if "vector_weight" in settings.given else ""
        return f"{best}: written into {settings.archive}{noted}"
    if not tuned.beyond_noise:
        remedy = "; nothing was written (--force writes it)" if named else ""
        return f"{best}; the gain is not beyond noise{remedy}"
    return f"{best}: BACKFILE_VECTOR_WEIGHT={tuned.weight:g}, or --archive DIR to write it into one"
