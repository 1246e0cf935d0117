"""Sorts a batch of articles into new, changed, unchanged, duplicate, withdrawn and refused."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

from backfile.archive.formats.fields import derived_id, record_of
from backfile.archive.model.addresses import canonical_url
from backfile.archive.model.article import Article, DateCertainty, Origin
from backfile.archive.model.errors import UnreadableArticle, WithdrawnArticle
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.history import Withdrawal
from backfile.archive.store.identities import Known, Named, day_number, known_as
from backfile.index.indexing.version_policy import Decision, decide, is_same_at_address

FIRST_BATCH = 250  # articles; small, so that the first ones are found within seconds
LARGEST_BATCH = 2_000
LARGEST_TEXT = 20_000_000  # characters a batch; bounds the memory where articles are long


class Input(Protocol):
    """Articles and refusals, and how many bytes of the total have been read."""

    @property
    def bytes_done(self) -> int: ...

    @property
    def bytes_total(self) -> int: ...

    def __iter__(self) -> Iterator[Article | UnreadableArticle]: ...


def growing_batches(source: Input) -> Iterator[list[Article | UnreadableArticle]]:
    """Cut an input into batches that grow from FIRST_BATCH to LARGEST_BATCH."""
    size, batch, characters = FIRST_BATCH, [], 0
    for found in source:
        batch.append(found)
        characters += len(found.text) if isinstance(found, Article) else 0
        if len(batch) >= size or characters >= LARGEST_TEXT:
            yield batch
            batch, characters, size = [], 0, min(2 * size, LARGEST_BATCH)
    if batch:
        yield batch


COUNTS = (
    *("read", "new", "changed", "unchanged", "duplicate", "withdrawn"),
    *("undated", "likely", "doubtful"),  # of dates
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
    refused: list[UnreadableArticle] = field(default_factory=list)

    @property
    def read(self) -> int:
        return self.new + self.changed + self.unchanged + self.duplicate

    @property
    def counts(self) -> dict[str, int]:
        """All counts by name, but the refusals."""
        return {name: getattr(self, name) for name in COUNTS}

    def count_date(self, article: Article) -> None:
        """Count how sure an article's day is."""
        self.undated += article.published is None
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
        self._seen: dict[str, Known] = {}  # articles of this run
        self._past: dict[str, set[bytes]] = {}  # digests of their earlier versions in this run
        self._withdrawn: dict[str, Withdrawal] = {}
        self._homes: dict[Origin, str] = {}  # ids of this run that were made of a file's place
        self._addresses: dict[str, list[Named]] = {}  # of this run

    def sort(self, found: Sequence[Article | UnreadableArticle], report: Report) -> IngestBatch:
        """Choose the articles to index, each id once, and count them all in the report."""
        report.refused += [each for each in found if isinstance(each, UnreadableArticle)]
        withdrawn = self._withdraw([w for w in found if isinstance(w, WithdrawnArticle)], report)
        articles = self._at_address(self._at_home([a for a in found if isinstance(a, Article)]))
        batch = _Sorting(self._identities.known(each.id for each in articles))
        ids = [article.id for article in articles]
        past = self._history.past(ids)
        self._withdrawn = self._history.withdrawn(ids) | self._withdrawn
        for each in articles:
            article = _apart(each, self._seen.get(each.id) or batch.known.get(each.id))
            if article is not each:
                batch.known |= self._identities.known([article.id])
            report.count_date(article)
            self._place(article, past.get(article.id, set()), batch, report)
        kept = batch.kept
        self._homes |= {each.origin: each.id for each in kept.values() if _is_unnamed(each.id)}
        return IngestBatch(list(kept.values()), batch.earlier, withdrawn, batch.moved)

    def _place(self, article: Article, past: set[bytes], batch: "_Sorting", report: Report) -> None:
        """Decide what one article is, and count it."""
        taken = self._seen.get(article.id)
        holder = taken or batch.known.get(article.id)
        past = past | self._past.get(article.id, set())
        if gone := self._withdrawn.get(article.id):
            if not article.version > gone.version:
                reason = f"withdrawn by its source ({gone.reason})"
                report.refused.append(UnreadableArticle(str(article.origin), reason))
                batch.earlier += [article] if article.digest not in past else []
                return
            del self._withdrawn[article.id]
        if holder is None:
            report.new += 1
            self._keep(article, None, batch)
            return
        match decide(article, holder, past, this_run=taken is not None):
            case Decision.ANOTHER:
                report.refused.append(_taken(article, holder))
            case Decision.UNCHANGED:
                report.unchanged += 1
                self._seen[article.id] = known_as(article)
                digest = article.origin.digest  # empty where no copy is kept; older ones stay
                if digest and holder.origin.digest != digest:
                    batch.moved[article.id] = article.origin
            case Decision.DUPLICATE:
                report.duplicate += 1
                self._seen.setdefault(article.id, holder)
            case Decision.EARLIER:
                report.duplicate += 1
                self._seen.setdefault(article.id, holder)
                self._past.setdefault(article.id, set()).add(article.digest)
                batch.earlier.append(article)
            case Decision.CHANGED:
                report.changed += 1
                self._keep(article, holder, batch)

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
        known = self._identities.known(each.article_id for each in withdrawn)
        before = self._history.withdrawn(each.article_id for each in withdrawn)
        gone = []
        for each in withdrawn:
            holder = self._seen.pop(each.article_id, None) or known.get(each.article_id)
            if holder and each.version and holder.version > each.version:
                continue
            report.withdrawn += holder is not None
            self._withdrawn[each.article_id] = Withdrawal(each.version, each.reason, "")
            if holder or each.article_id not in before:
                gone.append(each)
        return gone

    def _at_home(self, articles: list[Article]) -> list[Article]:
        """Give files the id they have already, where they were read through another folder."""
        unnamed = [article.origin for article in articles if _is_unnamed(article.id)]
        homes = (self._identities.ids_at(unnamed) if unnamed else {}) | self._homes
        return [
            replace(article, id=homes[article.origin])
            if _is_unnamed(article.id) and _is_unnamed(homes.get(article.origin, ""))
            else article
            for article in articles
        ]

    def _at_address(self, articles: list[Article]) -> list[Article]:
        """Give an article the id of the one with its address, title and day, if there is one."""
        addresses = {each.id: canonical_url(each.url) for each in articles if each.url}
        there = self._identities.under(set(addresses.values()))
        settled = []
        for article in articles:
            address = addresses.get(article.id, "")
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
    """The state of a batch while it is sorted."""

    def __init__(self, known: dict[str, Known]) -> None:
        self.known = known
        self.kept: dict[str, Article] = {}
        self.earlier: list[Article] = []
        self.moved: dict[str, Origin] = {}


def _is_unnamed(article_id: str) -> bool:
    """Whether an id was made of a file's place, not given by the source."""
    return article_id.startswith("file-")


def _taken(article: Article, holder: Known) -> UnreadableArticle:
    reason = (
        f"its id {article.id!r} is taken by {holder.title!r} ({holder.origin}); "
        "give another field with --map id=NAME"
    )
    place = str(article.origin)
    return UnreadableArticle(place, reason, record=record_of(article), key=place)


def _apart(article: Article, holder: Known | None) -> Article:
    """Rename an article whose id was made of a file's name that another file has, too.

    If that file still exists and has another text, the id is made of the whole path.
    """
    if not holder or not _is_unnamed(article.id) or holder.digest == article.digest:
        return article
    if holder.origin.file == article.origin.file or not holder.origin.path.exists():
        return article
    return replace(article, id=derived_id("", str(article.origin)))
