"""Counts how often real questions and nonsense are answered with nothing, a weak or a strong hit.

Run as `python -m backfile.scripts.bench.answer_quality DIR...`.
"""

import json
import string
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import click
import numpy as np

from backfile.archive.model.settings import Settings
from backfile.index.asking.reader import read_query
from backfile.index.evaluation.judgments import Judgments, plain_text
from backfile.index.evaluation.systems import usual_systems
from backfile.index.indexing.calibration import PASSAGES_DRAWN, words_in
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.model.query import Query
from backfile.index.model.results import Verdict
from backfile.index.model.whole import result_of
from backfile.index.seams.engines import Engines
from backfile.index.search.clock import Clock
from backfile.index.search.judging import judged_of
from backfile.index.search.ranker import Ranker
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.snapshot import Snapshot, Snapshots
from backfile.index.wiring import ranking_options
from backfile.scripts.commands.judged import indexed, kept_archive, located
from backfile.scripts.commands.options import as_json, judged_folders, quiet

NONSENSE = 50  # queries of each kind
FEWEST_WORDS, MOST_WORDS = 4, 9
KEYS = np.array(list(string.ascii_lowercase))

Verdicts = Counter[Verdict]


@click.command()
@judged_folders
@kept_archive
@as_json
@quiet
def main(folders: tuple[Path, ...], archive: Path | None, as_json: bool, quiet: bool) -> None:
    """Count the verdicts of hybrid search on each DIR of judged queries.

    DIR is as for `backfile evaluate`. The judged queries are also asked of the archive without the
    articles that answer them, and nonsense is asked beside: words of the archive drawn at random,
    and keyboard noise.
    """
    found = {}
    with located(folders, archive) as judged:
        for judgments, settings in judged:
            found[judgments.name] = _counted(judgments, settings, quiet=quiet)
            if not as_json:
                click.echo(table(judgments.name, found[judgments.name]))
    if as_json:
        click.echo(json.dumps(found))


def table(name: str, found: dict[str, Verdicts]) -> str:
    """Lay out the share of each verdict, a line for each kind of query."""
    lines = [f"{name:32}" + "".join(f"{verdict.value:>8}" for verdict in Verdict)]
    for kind, counts in found.items():
        shares = (counts[verdict] / max(1, counts.total()) for verdict in Verdict)
        lines.append(f"{kind:32}" + "".join(f"{share:>8.1%}" for share in shares))
    return "\n".join([*lines, ""])


def _counted(judgments: Judgments, settings: Settings, *, quiet: bool) -> dict[str, Verdicts]:
    options = usual_systems(ranking_options(settings))[0].ranking
    with indexed(judgments, settings, quiet=quiet) as engines:
        return verdicts(Judge(engines, options), judgments, engines)


class Judge:
    """Judges the answers to queries, of one archive or of it without some articles."""

    def __init__(self, engines: Engines, options: RankingOptions) -> None:
        self._engines = engines
        self._ranker = Ranker(engines.embedder, options)
        self._lexical = engines.lexical.snapshot()
        self._snapshot = Snapshots(engines).current(with_vectors=True)

    def verdict(self, text: str, without: Sequence[str] = ()) -> Verdict:
        """Judge the answer to a text, read as plain words, `without` the articles of these ids."""
        read = read_query(Query(plain_text(text)), date.min)  # plain words name no day
        snapshot = self._narrowed(without) if without else self._snapshot
        ranked = self._ranker.rank(read, snapshot, Clock())
        return result_of(judged_of(ranked, self._ranker)).verdict

    def _narrowed(self, without: Sequence[str]) -> Snapshot:
        """The same archive, but the rows of these articles are gone."""
        table = self._snapshot.table
        article_of = table.article_of.copy()
        article_of[self._engines.catalog.rows_of(without)] = -1
        narrowed = replace(table, article_of=article_of)
        lexical = LexicalSearch(self._lexical, narrowed)
        vectors = self._engines.neighbours.snapshot(narrowed.embedded & narrowed.alive)
        return replace(self._snapshot, table=narrowed, lexical=lexical, vectors=vectors)


def verdicts(judge: Judge, judgments: Judgments, engines: Engines) -> dict[str, Verdicts]:
    """Count the verdicts of each kind of query."""
    relevant: dict[str, list[str]] = {}
    for judged in judgments.qrels:
        if judged.relevance > 0:
            relevant.setdefault(judged.query_id, []).append(judged.doc_id)
    draw = np.random.default_rng(1)
    rows = engines.catalog.rows_after(0)
    drawn = draw.choice(rows, min(PASSAGES_DRAWN, len(rows)), replace=False)
    words = words_in(engines.catalog, drawn)
    return {
        "judged": Counter(judge.verdict(text) for text in judgments.queries.values()),
        "judged, their articles removed": Counter(
            judge.verdict(text, relevant.get(query_id, ()))
            for query_id, text in judgments.queries.items()
        ),
        "words drawn at random": Counter(map(judge.verdict, _random_words(words, draw))),
        "keyboard noise": Counter(map(judge.verdict, _keyboard_noise(draw))),
    }


def _random_words(words: Sequence[str], draw: np.random.Generator) -> Iterator[str]:
    for _ in range(NONSENSE):
        yield " ".join(draw.choice(words, draw.integers(FEWEST_WORDS, MOST_WORDS)))


def _keyboard_noise(draw: np.random.Generator) -> Iterator[str]:
    for _ in range(NONSENSE):
        lengths = draw.integers(3, 10, draw.integers(1, 7))
        yield " ".join("".join(draw.choice(KEYS, length)) for length in lengths)


if __name__ == "__main__":
    main()
