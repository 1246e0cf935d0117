"""Makes queries from the words of an archive, of the kinds that people type."""

import random
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise

import numpy as np

from backfile.archive.model.errors import ArchiveError
from backfile.archive.store.catalog import Catalog
from backfile.index.lexical.analysis.stemming import is_stop_word
from backfile.index.lexical.analysis.word_delimiter import WORD
from backfile.index.model.article_table import UNDATED, ArticleTable
from backfile.index.model.filters import Filters
from backfile.scripts.bench.baselines.words import Kind

SHARES = (1.0, 0.5, 0.1, 0.01)  # of the dated articles, that pass a date filter
QUESTION_WORDS = 12
SEED = 1963

Queries = Mapping[Kind, Sequence[Sequence[str]]]
"""The words of each query, by kind."""


class TooLittleText(ArchiveError):
    """An archive from which no queries can be made."""

    def __init__(self) -> None:
        super().__init__(
            f"no passage of {QUESTION_WORDS} words or more was found to make queries of; "
            "give an archive that holds some with --archive DIR"
        )


def queries_from(catalog: Catalog, count: int) -> Queries:
    """Make so many queries of each kind from random passages of the archive.

    Raises TooLittleText if no passage is long enough.
    """
    choose = random.Random(SEED)
    rows = catalog.rows_after(0).tolist()
    drawn = choose.sample(rows, min(len(rows), 4 * count))
    made: dict[Kind, list[list[str]]] = {kind: [] for kind in Kind}
    for found in catalog.stored(drawn):
        written = WORD.findall(found.passage.text)
        words = [word for word in written if word.isalpha()]
        weighty = [word for word in words if len(word) > 4 and not is_stop_word(word)]
        pairs = [list(pair) for pair in pairwise(written) if all(word.isalpha() for word in pair)]
        if len(weighty) < 4 or len(words) < QUESTION_WORDS or not pairs:
            continue
        start = choose.randrange(len(words) - QUESTION_WORDS + 1)
        made[Kind.WORDS].append(choose.sample(weighty, choose.choice((2, 3))))
        made[Kind.QUESTION].append([w.lower() for w in words[start : start + QUESTION_WORDS]])
        made[Kind.PHRASE].append(choose.choice(pairs))
        made[Kind.PREFIX].append([choose.choice(weighty)[:4].lower()])
        if len(made[Kind.WORDS]) == count:
            break
    if not made[Kind.WORDS]:
        raise TooLittleText
    return made


def typed(kind: Kind, words: Sequence[str]) -> str:
    """Write a query as a person types it.

    >>> typed(Kind.PHRASE, ["swing", "bridge"]), typed(Kind.PREFIX, ["bridg"])
    ('"swing bridge"', 'bridg*')
    """
    text = " ".join(words)
    return {Kind.PHRASE: f'"{text}"', Kind.PREFIX: f"{text}*"}.get(kind, text)


def filters_for(table: ArticleTable, share: float) -> Filters | None:
    """Make a filter for the newest share of the dated articles; None if no article has a date."""
    since = since_for(table, share)
    if share < 1 and since is None:
        return None
    return Filters(since=since) if share < 1 else Filters()


def since_for(table: ArticleTable, share: float) -> date | None:
    """The first day of the newest share of the dated articles; None if there are none."""
    dated = np.sort(table.published[table.published != UNDATED])
    if not len(dated):
        return None
    return date.fromordinal(int(dated[min(len(dated) - 1, round((1 - share) * len(dated)))]))
