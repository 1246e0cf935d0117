"""Measures rankings against human judgments: articles, queries.tsv and qrels.txt in a folder."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from archive.errors import ArchiveError
from index.query import Mode, Query
from index.search import Searcher

DEPTH = 100  # hits a query
MEASURES = ("nDCG@10", "RR@10", "Success@1", "Success@10", "R@100")


class JudgmentsMissing(ArchiveError):
    """A folder to evaluate on lacks a file."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(
            f"{folder} holds no {name}; an evaluation needs articles.jsonl (or .gz), "
            "queries.tsv (id, tab, text) and qrels.txt (TREC: query 0 article relevance)"
        )


@dataclass(frozen=True, slots=True)
class Judgments:
    """Queries, and which articles answer them."""

    articles: Path
    queries: dict[str, str]
    qrels: Path

    @classmethod
    def in_folder(cls, folder: Path) -> "Judgments":
        """Find the three files; raise JudgmentsMissing."""
        found = sorted(folder.glob("articles.*"))
        if not found:
            raise JudgmentsMissing(folder, "articles")
        for name in ("queries.tsv", "qrels.txt"):
            if not (folder / name).is_file():
                raise JudgmentsMissing(folder, name)
        lines = (folder / "queries.tsv").read_text(encoding="utf-8").splitlines()
        pairs = (line.split("\t", 1) for line in lines if "\t" in line)
        return cls(found[0], dict(pairs), folder / "qrels.txt")


def evaluate(
    searcher: Searcher, judgments: Judgments, modes: Iterable[Mode]
) -> Iterator[tuple[Mode, dict[str, float]]]:
    """Run every query in each mode; yield the mean of each measure, as ir-measures defines it.

    Queries are read as plain words: judged questions are no query language.
    """
    import ir_measures

    qrels = list(ir_measures.read_trec_qrels(str(judgments.qrels)))
    judged = {qrel.query_id for qrel in qrels}
    measures = [ir_measures.parse_measure(name) for name in MEASURES]
    for mode in modes:
        run = [
            ir_measures.ScoredDoc(query_id, article_id, score)
            for query_id, text in judgments.queries.items()
            if query_id in judged
            for article_id, score in _ranked(searcher, text, mode)
        ]
        means = ir_measures.calc_aggregate(measures, qrels, run)
        yield mode, {str(measure): float(means[measure]) for measure in measures}


def _ranked(searcher: Searcher, text: str, mode: Mode) -> Sequence[tuple[str, float]]:
    """The ids in order, with scores that keep the order where two hits score the same."""
    hits = searcher.search(Query(text, mode=mode, limit=DEPTH, plain=True)).hits
    return [(hit.article.id, float(-place)) for place, hit in enumerate(hits)]
