"""The state of an archive: its size, its model, and how much of it is embedded."""

from collections.abc import Mapping
from dataclasses import dataclass

from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest, Tuning
from backfile.index.seams.engines import Engines
from backfile.index.vector.embedding.model import languages_of, misfit


@dataclass(frozen=True, slots=True)
class NamesStatus:
    """How many articles had their names read, of how many in the languages that have a model.

    `models` are these, by language; without the extra `names` there are none.
    """

    read: int
    articles: int
    models: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Status:
    """The state of an archive. `coverage` is the share of passages that are embedded, 0 to 1.

    `graph` is the digest of the int8 graph of its embeddings, empty for full precision.
    `languages` counts articles by language code, the empty string for unknown ones.
    `model_languages` are the languages of the model, `multilingual` for many, empty if unknown.
    `misfit` is a warning that the two do not fit, and what to do. `tuned` are the tuned ranking
    weights, None if there are none. `jobs_waiting` are those received over HTTP that are not done.
    `furniture` counts the sentences that recur in an outlet and are not searched.
    """

    archive: str
    articles: int
    passages: int
    coverage: float
    generation: int
    model: str
    weights: str
    precision: str
    engine: str
    graph: str
    languages: dict[str, int]
    model_languages: tuple[str, ...]
    misfit: str
    tuned: Tuning | None
    jobs_waiting: int
    furniture: int
    names: NamesStatus
    bytes: int


def status_of(directory: ArchiveDirectory, engines: Engines) -> Status:
    """The state of an archive now."""
    manifest = Manifest.read(directory.manifest)
    counts, languages = engines.catalog.counts(), engines.catalog.languages()
    model_languages = languages_of(manifest.model)
    return Status(
        archive=str(directory.root.resolve()),
        articles=counts.articles,
        passages=counts.passages,
        coverage=counts.embedded / max(1, counts.passages),
        generation=engines.catalog.generation(),
        model=manifest.model,
        weights=manifest.weights,
        precision=manifest.precision,
        engine=manifest.engine,
        graph=manifest.graph,
        languages=languages,
        model_languages=model_languages,
        misfit=misfit(languages, model_languages),
        tuned=Tuning.read(directory.ranking),
        jobs_waiting=len(engines.catalog.inbox.waiting()),
        furniture=len(engines.catalog.recurring.furniture()),
        names=names_status(engines),
        bytes=directory.bytes_on_disk(),
    )


def names_status(engines: Engines) -> NamesStatus:
    models = engines.names.models() if engines.names else {}
    read, waiting = engines.catalog.names.count(models)
    return NamesStatus(read, read + waiting, dict(models))
