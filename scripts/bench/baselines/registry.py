"""Lists the baselines that can run here, and those that are not installed."""

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from backfile.scripts.bench.baselines.sqlite_index import SqliteFTS5
from backfile.scripts.bench.baselines.stock_whoosh import StockWhoosh
from backfile.scripts.bench.baselines.vectors import ChromaWhere, ExactNumpy, VectorBaseline
from backfile.scripts.bench.baselines.words import WordBaseline

EXTRA = ("tantivy", "bm25s", "faiss")
REMEDY = "pip install 'backfile[benchmark]'"


class Baselines(NamedTuple):
    """The installed baselines, not built yet, and the names of the missing ones (see REMEDY)."""

    by_words: list[WordBaseline]
    by_meaning: list[VectorBaseline]
    missing: list[str]


def baselines(folder: Path) -> Baselines:
    """Make every baseline that is installed; each writes below the folder."""
    missing = [name for name in EXTRA if find_spec(name) is None]
    by_words: list[WordBaseline] = [StockWhoosh(folder / "whoosh"), SqliteFTS5(folder / "fts5")]
    if "tantivy" not in missing:
        from backfile.scripts.bench.baselines.tantivy_index import Tantivy

        by_words.append(Tantivy(folder / "tantivy"))
    if "bm25s" not in missing:
        from backfile.scripts.bench.baselines.bm25s_index import BM25S

        by_words.append(BM25S(folder / "bm25s"))
    by_meaning: list[VectorBaseline] = [ChromaWhere(folder / "chroma"), ExactNumpy()]
    return Baselines(by_words, [*by_meaning, *faiss_indexes()], missing)


def faiss_indexes() -> list[VectorBaseline]:
    """Every kind of index of faiss; none if it is not installed."""
    if find_spec("faiss") is None:
        return []
    from backfile.scripts.bench.baselines.faiss_index import KINDS, Faiss

    return [Faiss(name) for name in KINDS]
