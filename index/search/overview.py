"""The numbers of an archive that pages show, and by which answers are told to be unchanged."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from backfile.index.model.article_table import UNKNOWN, ArticleTable
from backfile.index.model.category import commonest_first


@dataclass(frozen=True, slots=True)
class Overview:
    """Numbers of one generation of an archive; those of a divided archive are of all its shards.

    `embedded` passages can be found by meaning. `language_counts` are articles by language. The
    days, as in `date.toordinal()`, are the first and the last on which a date begins; 0 if none is
    dated. `last_added` is the instant at which the last article came in, in milliseconds; UNKNOWN
    if there is none. Of the `shards` of a divided archive, the numbers are those of the ones that
    are `answering`.
    """

    generation: int
    articles: int
    passages: int
    embedded: int
    language_counts: Mapping[str, int]
    first_day: int
    last_day: int
    last_added: int
    shards: int = 1
    answering: int = 1

    @classmethod
    def of(cls, table: ArticleTable) -> Self:
        """The numbers of an archive that is not divided, or of one shard."""
        days, _ = table.day_counts
        return cls(
            generation=table.generation,
            articles=table.n_articles,
            passages=table.n_passages,
            embedded=table.n_embedded,
            language_counts=table.language_counts,
            first_day=int(days[0]) if len(days) else 0,
            last_day=int(days[-1]) if len(days) else 0,
            last_added=table.last_added,
        )

    @classmethod
    def merged(cls, shards: Sequence[Self], n_shards: int) -> Self:
        """The numbers of a whole of `n_shards`; its generation grows whenever that of one does."""
        first_days = [each.first_day for each in shards if each.first_day]
        return cls(
            generation=sum(each.generation for each in shards),
            articles=sum(each.articles for each in shards),
            passages=sum(each.passages for each in shards),
            embedded=sum(each.embedded for each in shards),
            language_counts=sum((Counter(each.language_counts) for each in shards), Counter()),
            first_day=min(first_days, default=0),
            last_day=max((each.last_day for each in shards), default=0),
            last_added=max((each.last_added for each in shards), default=UNKNOWN),
            shards=n_shards,
            answering=len(shards),
        )

    @property
    def coverage(self) -> float:
        """The share of passages that can be found by meaning, 0 to 1."""
        return self.embedded / max(1, self.passages)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of articles, commonest first; the empty string is an unknown language."""
        return commonest_first(self.language_counts)

    @property
    def days(self) -> tuple[date, date] | None:
        """The first and the last day; None if no article is dated."""
        if not self.last_day:
            return None
        return date.fromordinal(self.first_day), date.fromordinal(self.last_day)
