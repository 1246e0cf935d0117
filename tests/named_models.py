"""Models without weights that are told apart by their names, in the place of the real ones."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.settings import Settings
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.index.vector.embedding.prompts import Prompts
from backfile.index.wiring import clear_caches
from backfile.index.writing import open_for_writing, rebuild_words
from tests.builders import Words, silent
from tests.fakes import HashedWords

DIMENSIONS = {"alpha": 64, "beta": 32}
FLOOR = 0.2


class NamedWords(HashedWords):
    """A model whose vectors have nothing to do with those of another name."""

    prompts = Prompts()

    def __init__(self, name, *, threads, made_with=None, graph=None):
        self.name, self.weights, self.dimension = name, weights_of(Path(name)), DIMENSIONS[name]

    def embed_query(self, text):
        words = text.casefold().split() or ["nothing"]
        total = np.sum([self._direction(word) for word in words], axis=0)
        return (total / np.linalg.norm(total)).astype(np.float32)

    def _direction(self, word):
        seed = int.from_bytes(hashlib.sha256(f"{self.name} {word}".encode()).digest()[:4], "big")
        return np.random.default_rng(seed).standard_normal(self.dimension)


def weights_of(folder):
    return f"weights of {folder.name}"


def use_named_models(monkeypatch):
    """Have archives made with a model of these, by its name."""
    wiring = "backfile.index.wiring"
    monkeypatch.setattr(f"{wiring}.SentenceTransformerEmbedder", NamedWords)
    monkeypatch.setattr(f"{wiring}.prompts_of", lambda *_: Prompts())
    monkeypatch.setattr(f"{wiring}.find_model", Path)
    monkeypatch.setattr(f"{wiring}.hash_weights", weights_of)
    for module in ("backfile.index.writing", "backfile.index.cluster.writing.shard_writing"):
        monkeypatch.setattr(f"{module}.tokenizer_of", lambda _: Words())


def settings_with(model, archive):
    return Settings(archive=archive, model=model, threads=1, floor=FLOOR, names=False)


def indexed(model, archive, news):
    """Make or fill an archive with a model; return its settings."""
    settings = settings_with(model, archive)
    with open_for_writing(settings, silent, create=True) as opened:
        opened.indexer.run(Reading([news], FieldMap()))
    return settings


def with_another_model(model, archive):
    """Embed all of an archive by another model; return its settings."""
    settings, directory = settings_with(model, archive), ArchiveDirectory(archive)
    catalog = Catalog(directory.catalog)
    catalog.embedded.forget(catalog.rows_after(0))
    catalog.close()
    clear_caches(directory)
    made_with = Manifest.read(directory.manifest)
    weights = weights_of(Path(model))
    made_with = replace(made_with, model=model, weights=weights, dimension=DIMENSIONS[model])
    made_with.write(directory.manifest)
    with open_for_writing(settings, silent) as opened:
        rebuild_words(settings, opened.indexer)
        opened.indexer.embed()
    return settings
