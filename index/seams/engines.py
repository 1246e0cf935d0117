"""The engines of one archive together: the record, the caches over it, and the models."""

from dataclasses import dataclass

from backfile.archive.store.catalog import Catalog
from backfile.archive.store.vectors import VectorFile
from backfile.index.model.article_table_file import ArticleTableFile
from backfile.index.model.noise import NoiseFile
from backfile.index.seams.protocols import Embedder, LexicalIndex, NameReader, VectorIndex


@dataclass(frozen=True, slots=True)
class Engines:
    """The record (catalogue and vectors), the caches over it, and the models.

    `names` is None where no names are to be read.
    """

    catalog: Catalog
    vectors: VectorFile
    lexical: LexicalIndex
    neighbours: VectorIndex
    embedder: Embedder
    table: ArticleTableFile
    noise: NoiseFile
    names: NameReader | None = None
