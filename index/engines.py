"""All that one archive is made of, behind the seams."""

from dataclasses import dataclass

from archive.store.catalog.catalog import Catalog
from archive.store.vectors import VectorFile
from index.columns.columns_file import ColumnsFile
from index.protocols import Embedder, LexicalIndex, VectorIndex
from index.verdict.noise import NoiseFile


@dataclass(frozen=True, slots=True)
class Engines:
    """The record (catalogue and vectors), the caches over it, and the model."""

    catalog: Catalog
    vectors: VectorFile
    lexical: LexicalIndex
    neighbours: VectorIndex
    embedder: Embedder
    columns: ColumnsFile
    noise: NoiseFile
