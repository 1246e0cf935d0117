"""Sorts a batch of articles into new, changed, unchanged, duplicate, withdrawn and refused."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import chain
from operator import itemgetter
from typing import NamedTuple, Protocol

from backfile.archive.model.addresses import canonical_url
from backfile.archive.model.article import Article, DateCertainty, Origin
from backfile.archive.model.errors import UnreadableArticle, WithdrawnArticle
from backfile.archive.model.ids import candidate_ids, is_derived, is_unnamed, scoped_id
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.history import Withdrawal
from backfile.archive.store.identities import Known, Named, day_number, known_as
from backfile.index.indexing.identity import (
    Decision,
    Kind,
    Likeness,
    Pair,
    decide,
    ids_of_withdrawal,
    is_equal,
    is_foreign,
    is_same_at_address,
    kind_by_id,
)
from backfile.index.indexing.unnamed import Unnamed

LARGEST_TEXT = 20_000_000  # characters a batch; bounds the memory where articles are long


class Input(Protocol):
    """Articles and refusals, and how many bytes of the total have been read."""

    @property
    def bytes_done(self) -> int: ...

    @property
    def bytes_total(self) -> int: ...

    def __iter__(self) -> Iterator[Article | UnreadableArticle]: ...


def growing_batches(
    source: Input, first: int, largest: int
) -> Iterator[list[Article | UnreadableArticle]]:
    """Cut an input into batches that grow from the first size to the largest."""
    size, batch, characters = first, [], 0
    for found in source:
        batch.append(found)
        characters += len(found.text) if isinstance(found, Article) else 0
        if len(batch) >= size or characters >= LARGEST_TEXT:
            yield batch
            batch, characters, size = [], 0, min(2 * size, largest)
    if batch:
        yield batch


COUNTS = (
    *("read", "new", "changed", "unchanged", "duplicate", "withdrawn"),
    *("undated", "likely", "doubtful"),  # of dates
    "thin",
)


@dataclass(slots=True)
class Report:
    """What became of an input; `refused` lists refusals, withdrawals by the source among them.

    `duplicate` counts articles that are in the archive already: from another place, or in a later
    version.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    duplicate: int = 0
    withdrawn: int = 0
    undated: int = 0
    likely: int = 0  # their day is assumed in part
    doubtful: int = 0  # their day is in the future, or in no calendar
    left_out: Counter[str] = field(default_factory=Counter)  # fields with more text than was read
    refused: list[UnreadableArticle] = field(default_factory=list)
    watch: Callable[[str, str], None] | None = None  # called with a place and the name of a count

    def count(self, name: str, place: str) -> None:
        """Count one article of a place of the input under one of the COUNTS."""
        setattr(self, name, getattr(self, name) + 1)
        if self.watch:
            self.watch(place, name)

    @property
    def read(self) -> int:
        return self.new + self.changed + self.unchanged + self.duplicate

    @property
    def thin(self) -> int:
        """The articles of which a field with more than ten times as much text was not read."""
        return self.left_out.total()

    @property
    def counts(self) -> dict[str, int]:
        """All counts by name, but the refusals."""
        return {name: getattr(self, name) for name in COUNTS}

    def count_doubts(self, article: Article) -> None:
        """Count how sure an article's day is, and which field with more text was left out."""
        self.left_out.update([article.left_out] if article.left_out else ())
        self.undated += article.date_span is None
        self.likely += article.date_certainty is DateCertainty.LIKELY
        self.doubtful += article.date_certainty is DateCertainty.DOUBTFUL


class IngestBatch(NamedTuple):
    """The outcome of a batch: articles to index, versions for the history, withdrawals.

    `moved` are the new origins of articles that stay as they are, by id.
    """

    articles: list[Article]
    earlier: list[Article]
    withdrawn: list[WithdrawnArticle]
    moved: dict[str, Origin]


class Ingest:
    """Sorts the articles of one run, batch by batch; the catalogue may lag some batches behind."""

    def __init__(self, catalog: Catalog) -> None:
        self._identities = catalog.identities
        self._history = catalog.history
        self._unnamed = Unnamed(catalog.identities)
        self._seen: dict[str, Known] = {}  # articles of this run
        self._past: dict[str, set[bytes]] = {}  # digests of their earlier versions in this run
        self._withdrawn: dict[str, Withdrawal] = {}
        self._former: dict[str, Known] = {}  # what was withdrawn
        self._addresses: dict[str, list[Named]] = {}  # of this run

    def sort(self, found: Sequence[Article | UnreadableArticle], report: Report) -> IngestBatch:
        """Choose the articles to index, each id once, and count them all in the report."""
        report.refused += [each for each in found if isinstance(each, UnreadableArticle)]
        withdrawn = self._withdraw([w for w in found if isinstance(w, WithdrawnArticle)], report)
        articles = [each for each in found if isinstance(each, Article)]
        if not all(each.origin.is_received for each in articles):
            articles = self._recognised(articles)
        batch = self._opened(articles)
        for article, ids in zip(articles, batch.ids, strict=True):
            report.count_doubts(article)
            self._place(article, ids, batch, report)
        return IngestBatch(list(batch.kept.values()), batch.earlier, withdrawn, batch.moved)

    def _recognised(self, articles: list[Article]) -> list[Article]:
        """Give articles the ids under which the archive has them by content, place or address."""
        if any(is_unnamed(each.id) for each in articles):
            articles = self._unnamed.named(articles, self._seen)
        return self._at_address(articles)

    def _opened(self, articles: Sequence[Article]) -> "_Sorting":
        """Look up all that the catalogue holds of the ids of a batch."""
        ids = [candidate_ids(article) for article in articles]
        known = self._identities.known(dict.fromkeys(chain.from_iterable(ids)))
        likely = dict.fromkeys([*known, *(each for some in ids for each in some[:2])])
        gone = self._history.withdrawn(likely)
        self._withdrawn = gone | self._withdrawn
        for article_id in gone.keys() - known.keys() - self._former.keys():
            for version in self._history.of(article_id)[:1]:
                self._former[article_id] = known_as(version.article)
        return _Sorting(articles, ids, known, self._history.past(likely))

    def _place(
        self, article: Article, ids: Sequence[str], batch: "_Sorting", report: Report
    ) -> None:
        """Decide what one article is, and count it."""
        article_id, kind = self._identified(article, ids, batch)
        article = article if article.id == article_id else replace(article, id=article_id)
        taken = self._seen.get(article.id)
        holder = taken or batch.known.get(article.id)
        if gone := self._withdrawn.get(article.id):
            if not article.version > gone.version:
                reason = f"withdrawn by its source ({gone.reason})"
                report.refused.append(UnreadableArticle(str(article.origin), reason))
                past = self._past_of(article.id, batch)
                batch.earlier += [article] if article.digest not in past else []
                return
            del self._withdrawn[article.id]
        if holder is None:
            report.count("new", article.origin.file)
            self._keep(article, None, batch)
            return
        displaced = self._unnamed.is_displaced(holder)
        match decide(article, holder, kind, this_run=taken is not None, displaced=displaced):
            case Decision.UNCHANGED:
                report.count("unchanged", article.origin.file)
                self._seen[article.id] = known_as(article)
                if self._is_moved(article.origin, holder.origin):
                    batch.moved[article.id] = article.origin
            case Decision.DUPLICATE:
                report.count("duplicate", article.origin.file)
                self._seen.setdefault(article.id, holder)
            case Decision.EARLIER:
                report.count("duplicate", article.origin.file)
                self._seen.setdefault(article.id, holder)
                self._past.setdefault(article.id, set()).add(article.digest)
                batch.earlier.append(article)
            case Decision.CHANGED:
                report.count("changed", article.origin.file)
                self._keep(article, holder, batch)

    def _identified(
        self, article: Article, ids: Sequence[str], batch: "_Sorting"
    ) -> tuple[str, Kind]:
        """The id of the article that this one is, and how it was recognised; else an id for it."""
        held = {
            each: holder
            for each in ids
            if (holder := self._seen.get(each) or batch.known.get(each))
        }
        if article.origin.is_received:
            return article.id, kind_by_id(article, held.get(article.id))
        for each, holder in held.items():
            if is_equal(article, holder):
                return each, Kind.EQUAL
        best, best_id = Likeness(), ""
        for each, holder in held.items():
            this_run = each in self._seen or (not is_derived(each) and batch.has(holder))
            text = partial(self._identities.text, each)
            past = self._past_of(each, batch)
            found = Pair(article, each, holder, past, text, this_run).likeness()
            best, best_id = max((best, best_id), (found, each), key=itemgetter(0))
        if best.kind:
            return best_id, best.kind
        free = (each for each in ids if each not in held and not self._is_of_another(each, article))
        if not (article_id := next(free, "")):
            article_id = scoped_id(ids[0], article.digest.hex())
            batch.known |= self._identities.known([article_id])
        return article_id, Kind.TITLE

    def _is_of_another(self, article_id: str, article: Article) -> bool:
        """Whether the article that was withdrawn under this id is of another outlet."""
        former = self._former.get(article_id)
        return former is not None and is_foreign(article_id, article.source, article.url, former)

    def _past_of(self, article_id: str, batch: "_Sorting") -> set[bytes]:
        return batch.past.get(article_id, set()) | self._past.get(article_id, set())

    def _is_moved(self, now: Origin, before: Origin) -> bool:
        """Whether a new origin is noted; copies of files that were kept earlier stay in use."""
        if not now.digest:  # no copy is kept
            return now != before and not before.digest
        return (now, now.digest) != (before, before.digest)

    def _keep(self, article: Article, holder: Known | None, batch: "_Sorting") -> None:
        if holder:
            self._past.setdefault(article.id, set()).add(holder.digest)
        if replaced := batch.kept.get(article.id):
            batch.earlier.append(replaced)
        self._seen[article.id] = known_as(article)
        batch.kept[article.id] = article

    def _withdraw(
        self, withdrawn: list[WithdrawnArticle], report: Report
    ) -> list[WithdrawnArticle]:
        """Choose the withdrawals that count: those of articles without a later version."""
        ids = [each for some in withdrawn for each in ids_of_withdrawal(some)]
        known, before = self._identities.known(ids), self._history.withdrawn(ids)
        gone = []
        for each in withdrawn:
            article_id = self._id_withdrawn(each, known)
            holder = self._seen.pop(article_id, None) or known.get(article_id)
            if holder and each.version and holder.version > each.version:
                continue
            if holder:
                report.count("withdrawn", each.origin.rpartition(":")[0])
            self._withdrawn[article_id] = Withdrawal(each.version, each.reason, "")
            if holder:
                self._former[article_id] = holder
            if holder or article_id not in before:
                gone.append(each.under(article_id))
        return gone

    def _id_withdrawn(self, withdrawn: WithdrawnArticle, known: Mapping[str, Known]) -> str:
        """The id of the article that is withdrawn: of the same outlet, and the same day if any."""
        ids = ids_of_withdrawal(withdrawn)
        held = {each: self._seen.get(each) or known.get(each) for each in ids}
        day = withdrawn.date_span.first.toordinal() if withdrawn.date_span else None
        own = [
            (holder.published != day, n, each)
            for n, (each, holder) in enumerate(held.items())
            if holder and not is_foreign(each, withdrawn.source, withdrawn.url, holder)
        ]
        free = (each for each in ids if not held[each] and each not in self._former)
        return min(own)[2] if own else next(free, ids[-1])

    def _at_address(self, articles: list[Article]) -> list[Article]:
        """Give an article the id of the one with its address, title and day, if there is one."""
        addresses = [canonical_url(each.url) if each.url else "" for each in articles]
        there = self._identities.under(set(addresses) - {""})
        settled = []
        for article, address in zip(articles, addresses, strict=True):
            here = self._addresses.setdefault(address, []) if address else []
            same = [
                each.id
                for each in (*here, *there.get(address, ()))
                if is_same_at_address(article, each)
            ]
            if same and article.id not in same:
                article = replace(article, id=same[0])
            here.append(Named(article.id, article.title, day_number(article)))
            settled.append(article)
        return settled


class _Sorting:
    """The state of a batch while it is sorted.

    `ids` are the possible ids of each article, `past` the digests of earlier versions by id.
    """

    def __init__(
        self,
        articles: Sequence[Article],
        ids: list[tuple[str, ...]],
        known: dict[str, Known],
        past: dict[str, set[bytes]],
    ) -> None:
        self._articles = articles
        self.ids = ids
        self.known = known
        self.past = past
        self.kept: dict[str, Article] = {}
        self.earlier: list[Article] = []
        self.moved: dict[str, Origin] = {}

    def has(self, holder: Known) -> bool:
        """Whether the batch has an article of the archive unchanged."""
        return holder.digest in self._digests

    @cached_property
    def _digests(self) -> set[bytes]:
        return {article.digest for article in self._articles}
