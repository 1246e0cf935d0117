"""Reads judged queries: articles, queries.tsv and qrels.txt in a folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from backfile.archive.model.errors import ArchiveError, EngineUnavailable
from backfile.index.lexical.analysis.word_delimiter import WORD
from backfile.index.lexical.query_parser.preprocess import has_operator, spelled_out

NEEDED = (
    "an evaluation needs articles.jsonl (or .gz), queries.tsv (id, tab, text) "
    "and qrels.txt (TREC: query 0 article relevance)"
)
FEWEST = 2  # queries; an interval needs two


class BadJudgments(ArchiveError):
    """A folder of judged queries is incomplete or unreadable."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"{folder} {reason}")


@dataclass(frozen=True, slots=True)
class Judgments:
    """Queries with their relevance judgments; queries without judgments are left out.

    `qrels` are `ir_measures.Qrel`; `articles` is the file of articles, None if there is none.
    """

    name: str
    articles: Path | None
    queries: dict[str, str]
    qrels: list[Any]

    @classmethod
    def in_folder(cls, folder: Path, *, with_articles: bool = True) -> Self:
        """Read a folder of judged queries; `with_articles` requires a file of articles.

        Raises BadJudgments, and EngineUnavailable if the `evaluate` extra is not installed.
        """
        if not folder.is_dir():
            raise BadJudgments(folder, f"is not a folder; {NEEDED}")
        articles = sorted(folder.glob("articles.*"))
        if with_articles and not articles:
            raise BadJudgments(folder, f"holds no articles; {NEEDED}")
        try:
            texts = dict(_queries(folder / "queries.tsv"))
            qrels = list(_qrels(folder / "qrels.txt"))
        except FileNotFoundError as exc:
            name = Path(exc.filename).name
            raise BadJudgments(folder, f"holds no {name}; {NEEDED}") from exc
        except ValueError as exc:
            raise BadJudgments(folder, f"cannot be read: {exc}; {NEEDED}") from exc
        judged = {qrel.query_id for qrel in qrels}
        queries = {name: text for name, text in texts.items() if name in judged}
        if len(queries) < FEWEST:
            reason = f"holds {len(queries)} queries that are in queries.tsv and in qrels.txt too"
            raise BadJudgments(folder, f"{reason}; at least {FEWEST} are needed")
        qrels = [qrel for qrel in qrels if qrel.query_id in queries]
        return cls(folder.resolve().name, articles[0] if articles else None, queries, qrels)

    def relevant(self) -> list[str]:
        """The ids of all articles that are relevant to any query."""
        return sorted({qrel.doc_id for qrel in self.qrels if qrel.relevance > 0})


def plain_text(text: str) -> str:
    """Escape a text so that the query parser reads plain words only.

    A full stop after a word such as AND makes it a plain word.

    >>> plain_text('NATO AND the "EU" before:1963')
    'NATO AND. the EU before 1963'
    """
    words = WORD.findall(spelled_out(text))
    return " ".join(f"{word}." if has_operator(word) else word for word in words) or text


def _queries(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        name, tab, text = line.partition("\t")
        if tab:
            yield name, text


def _qrels(path: Path) -> Iterator[Any]:
    try:
        import ir_measures
    except ImportError as exc:
        reason = "it is not installed; `pip install ir-measures` brings it"
        raise EngineUnavailable("ir-measures", reason) from exc
    with path.open(encoding="utf-8") as lines:
        yield from ir_measures.read_trec_qrels(lines)
