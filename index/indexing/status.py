"""Says what an archive holds, and how much of it can be found."""

from dataclasses import dataclass

from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest, Tuning
from backfile.index.seams.engines import Engines
from backfile.index.vector.embedding.model import languages_of, misfit


@dataclass(frozen=True, slots=True)
class Status:
    """The state of an archive. `coverage` is the share of passages findable by meaning, 0 to 1.

    `languages` counts articles by the code of their language, the empty string for none known;
    `model_languages` are those that the model was made for, `multilingual` for many, nothing where
    it does not show; `misfit` says that the two do not go together, and what to do. `tuned`
    is how it ranks since it was tuned, None where it was not.
    """

    archive: str
    articles: int
    passages: int
    coverage: float
    generation: int
    model: str
    weights: str
    precision: str
    languages: dict[str, int]
    model_languages: tuple[str, ...]
    misfit: str
    tuned: Tuning | None
    bytes: int


def status_of(directory: ArchiveDirectory, engines: Engines) -> Status:
    """Count what is there now."""
    manifest = Manifest.read(directory.manifest)
    counts, languages = engines.catalog.counts(), engines.catalog.languages()
    spoken = languages_of(manifest.model)
    return Status(
        archive=str(directory.root.resolve()),
        articles=counts.articles,
        passages=counts.passages,
        coverage=counts.embedded / max(1, counts.passages),
        generation=engines.catalog.generation(),
        model=manifest.model,
        weights=manifest.weights,
        precision=manifest.precision,
        languages=languages,
        model_languages=spoken,
        misfit=misfit(languages, spoken),
        tuned=Tuning.read(directory.ranking),
        bytes=directory.bytes_on_disk(),
    )
