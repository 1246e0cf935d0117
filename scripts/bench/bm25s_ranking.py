"""Ranks articles by bm25s, so that its scores stand beside those of our own search by words."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.evaluation.systems import DEPTH, System
from backfile.index.lexical.query_parser.parser import parse
from backfile.index.model.expression import wanted
from backfile.index.seams.engines import Engines
from backfile.scripts.bench.baselines.registry import REMEDY
from backfile.scripts.bench.baselines.words import Passage, as_terms

RIVAL = "bm25s"


def require_rival() -> None:
    """Raise EngineUnavailable where bm25s is not installed."""
    if find_spec(RIVAL) is None:
        raise EngineUnavailable(RIVAL, f"it is not installed; `{REMEDY}` brings it")


def rival_of(keyword: System) -> System:
    """The system that stands beside our own search by words."""
    return replace(keyword, name=f"{RIVAL}, Lucene", engine=RIVAL)


@contextmanager
def bm25s_over(engines: Engines) -> Iterator[Callable[[str], list[str]]]:
    """Index the passages of an archive; give what ranks articles for a text, as ids, best first.

    Only the scoring differs from ours: the passages, the terms of both sides, what of a pasted post
    is read, k1 and b are the same, and an article scores as its best passage. Title and text are
    one to it, and every article that holds a word matches.
    """
    from backfile.scripts.bench.baselines.bm25s_index import BM25S

    stored = list(engines.catalog.stored(engines.catalog.rows_after(0).tolist()))
    passages = (Passage(s.row, s.article.given_title, s.passage.text) for s in stored)
    owners = {each.row: each.article.id for each in stored}
    with tempfile.TemporaryDirectory() as folder:
        index = BM25S(Path(folder) / RIVAL)
        index.build(as_terms(passages))

        def ranked(text: str) -> list[str]:
            read = parse(text, plain=True).expression
            leaves = wanted(read) if read else ()
            rows, scores = index.scores([word for leaf in leaves for word in leaf.text.split()])
            order = np.argsort(-scores, kind="stable")
            best = (owners[int(rows[i])] for i in order[: int((scores > 0).sum())])
            return list(dict.fromkeys(best))[:DEPTH]

        yield ranked
        index.close()
