"""The command that fits the ranking to an archive: tune."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click
import numpy as np

from backfile.archive.model.errors import BadSetting
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Tuning
from backfile.index.evaluation.judgments import BadJudgments, Judgments
from backfile.index.evaluation.statistics import Values
from backfile.index.evaluation.systems import MAIN_MEASURE, measure
from backfile.index.evaluation.tuning import Tuned, cross_validate, weights_to_try
from backfile.index.model.query import Mode
from backfile.index.seams.engines import Engines
from backfile.index.search.ranking import Fusion
from backfile.index.search.searcher import Searcher
from backfile.index.wiring import ranking_options
from backfile.scripts.commands.judged import indexed, opened
from backfile.scripts.commands.options import as_json, judged_folders, quiet, trust_option
from backfile.scripts.printing.evaluation_tables import difference, interval

Reached = dict[Tuning, Values]


@click.command()
@judged_folders
@click.option(
    "--archive",
    type=click.Path(path_type=Path, file_okay=False),
    help="Tune this archive, whose articles are judged; else the articles in each DIR are indexed.",
)
@trust_option
@click.option("--force", is_flag=True, help="Write the weights even if they may be no better.")
@as_json
@quiet
def tune(
    folders: tuple[Path, ...],
    archive: Path | None,
    trust: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Fit the weights of hybrid search to the judged queries of each DIR.

    The two weights are the share of meaning, and the share of an article's second and third best
    passage in its score. The gain is estimated by cross-validation in five folds. With --archive
    the weights are written into that archive if the gain is beyond noise.
    """
    settings = Settings.from_environment()
    if settings.fusion == Fusion.RRF:
        raise BadSetting("BACKFILE_FUSION", "rrf has no weight to tune; set it to convex")
    judged = [Judgments.in_folder(folder, with_articles=archive is None) for folder in folders]
    if archive:
        settings = replace(settings, archive=archive, trust=trust or settings.trust)
        reached = _on_archive(judged, settings)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            settings = replace(settings, archive=Path(scratch))
            reached = _on_own_articles(judged, settings, quiet=quiet)
    tuned = cross_validate(_pooled(reached), _in_force(settings))
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
) -> Iterator[tuple[Tuning, Values]]:
    """Measure all weights on every query."""
    for tried in weights_to_try(_in_force(settings)):
        searcher = Searcher(engines, replace(ranking_options(settings), **asdict(tried)))
        yield tried, measure(searcher, judgments, Mode.HYBRID)[MAIN_MEASURE]


def _in_force(settings: Settings) -> Tuning:
    options = ranking_options(settings)
    return Tuning(options.vector_weight, options.passage_share)


def _pooled(reached: Sequence[Reached]) -> Reached:
    """Join the values of all folders, one after the other."""
    return {tried: np.concatenate([each[tried] for each in reached]) for tried in reached[0]}


def _write(tuned: Tuned, settings: Settings) -> None:
    directory = ArchiveDirectory(settings.archive)
    with directory.writing():
        tuned.best.write(directory.ranking)


def _table(tuned: Tuned, queries: int) -> str:
    weights = _range([each.vector_weight for each in tuned.by_fold])
    shares = _range([each.passage_share for each in tuned.by_fold])
    return "\n".join(
        [
            f"{queries} queries; {MAIN_MEASURE}, each fold at the weights best for the others",
            f"{'before':8}{interval(tuned.before)}  {tuned.current}",
            f"{'after':8}{interval(tuned.after)}  vector weight {weights}, passage share {shares}",
            f"{'gain':8}{difference(tuned.gain)}",
        ]
    )


def _range(values: Sequence[float]) -> str:
    least, most = min(values), max(values)
    return f"{least:g}" if least == most else f"{least:g} to {most:g}"


def _conclusion(tuned: Tuned, settings: Settings, *, named: bool, written: bool) -> str:
    best = f"on all queries best is {tuned.best}"
    if written:
        overruled = "; but BACKFILE_VECTOR_WEIGHT is set, and overrules the first"
        noted = overruled if "vector_weight" in settings.given else ""
        return f"{best}: written into {settings.archive}{noted}"
    if not tuned.beyond_noise:
        remedy = "; nothing was written (--force writes it)" if named else ""
        return f"{best}; the gain is not beyond noise{remedy}"
    return f"{best}; with --archive DIR it is written into one"
