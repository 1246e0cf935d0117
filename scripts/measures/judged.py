"""Archives of judged articles, made or found for as long as queries are asked of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from archive.errors import BadSetting
from archive.reading.fields import FieldMap
from archive.reading.inputs import Reading
from archive.settings import Settings
from archive.splitting import USUAL_PASSAGES, PassageOptions
from index.benchmark.searches import Remembering
from index.building.writing import open_for_writing
from index.engines import Engines
from index.evaluation.judgments import Judgments
from index.wiring import open_engines
from scripts.printing.progress import Bars


@contextmanager
def opened(settings: Settings) -> Iterator[Engines]:
    """Open an archive for many searches, each query of which is embedded once."""
    engines = open_engines(settings)
    engines.neighbours.warm()
    try:
        yield replace(engines, embedder=Remembering(engines.embedder))
    finally:
        engines.catalog.close()


@contextmanager
def indexed(
    judgments: Judgments,
    settings: Settings,
    *,
    passages: PassageOptions = USUAL_PASSAGES,
    quiet: bool = True,
) -> Iterator[Engines]:
    """Index the articles of a folder, unless the archive has them, and open it."""
    articles = [judgments.articles] if judgments.articles else []
    with (
        Bars(quiet=quiet) as bars,
        open_for_writing(settings, bars, create=True, passages=passages) as writing,
    ):
        writing.indexer.run(Reading(articles, FieldMap()))
    with opened(settings) as engines:
        yield engines


def places(judged: Sequence[Judgments], root: Path) -> dict[str, Path]:
    """Where the archive of each folder goes: the root itself, or below it by the folder's name.

    Raises BadSetting where two folders have one name.
    """
    names = [judgments.name for judgments in judged]
    if len(names) == 1:
        return {names[0]: root}
    if twice := {name for name in names if names.count(name) > 1}:
        reason = f"two of the folders are called {min(twice)}; rename one, or run them apart"
        raise BadSetting("DIR", reason)
    return {name: root / name for name in names}
