"""Archives of judged articles, made or found for as long as queries are asked of them."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.errors import BadSetting
from backfile.archive.model.settings import Settings
from backfile.index.evaluation.judgments import Judgments
from backfile.index.model.arrays import Floats
from backfile.index.seams.engines import Engines
from backfile.index.seams.protocols import Embedder
from backfile.index.wiring import open_engines
from backfile.index.writing import open_for_writing
from backfile.scripts.printing.progress import Bars

kept_archive = click.option(
    "--archive",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the indexed articles here and use them again; a temporary place otherwise.",
)


class CachingEmbedder:
    """Embeds each query once, so that searches can be timed without the embedding."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Floats] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    def embed_query(self, text: str) -> Floats:
        if text not in self._known:
            self._known[text] = self._embedder.embed_query(text)
        return self._known[text]


@contextmanager
def opened(settings: Settings) -> Iterator[Engines]:
    """Open an archive for many searches; each query is embedded once."""
    engines = open_engines(settings)
    engines.neighbours.warm()
    try:
        yield replace(engines, embedder=CachingEmbedder(engines.embedder))
    finally:
        engines.catalog.close()


@contextmanager
def indexed(judgments: Judgments, settings: Settings, *, quiet: bool = True) -> Iterator[Engines]:
    """Index the articles of a folder, unless the archive has them, and open it."""
    with (
        Bars(quiet=quiet) as bars,
        open_for_writing(settings, bars, create=True) as writing,
    ):
        writing.indexer.run(articles_of(judgments))
    with opened(settings) as engines:
        yield engines


def articles_of(judgments: Judgments) -> Reading:
    """Read the articles of a folder; none where it has none."""
    return Reading([judgments.articles] if judgments.articles else [], FieldMap())


@contextmanager
def located(
    folders: Sequence[Path], archive: Path | None, *, trust: bool = False
) -> Iterator[list[tuple[Judgments, Settings]]]:
    """Read folders of judged queries; give each with the settings of an archive of its own.

    The archives are temporary unless a place is given.
    """
    judged = [Judgments.in_folder(folder) for folder in folders]
    settings = Settings.from_environment()
    settings = replace(settings, trust=trust or settings.trust)
    with tempfile.TemporaryDirectory() as scratch:
        kept = places(judged, archive or Path(scratch))
        yield [(each, replace(settings, archive=kept[each.name])) for each in judged]


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
