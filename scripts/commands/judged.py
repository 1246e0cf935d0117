"""Archives of judged articles, made or found for as long as queries are asked of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.errors import BadSetting
from backfile.archive.model.settings import Settings
from backfile.archive.passages import USUAL_PASSAGES, PassageOptions
from backfile.index.evaluation.judgments import Judgments
from backfile.index.model.arrays import Floats
from backfile.index.seams.engines import Engines
from backfile.index.seams.protocols import Embedder
from backfile.index.wiring import open_engines
from backfile.index.writing import open_for_writing
from backfile.scripts.printing.progress import Bars


class Remembering:
    """Embeds each text once, so that searches can be timed without the embedding."""

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
