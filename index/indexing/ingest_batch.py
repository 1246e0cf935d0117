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
from backfile.index.indexing.version_policy import Judgement, is_same_at_address, judge

FIRST_BATCH = 250  # articles; small, so that the first ones are found within seconds
LARGEST_BATCH = 2_000
LARGEST_TEXT = 20_000_000  # characters a batch, which bounds the memory where articles are long


class Input(Protocol):
    """Articles and refusals, and how many bytes of how many have been read."""

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
    """What became of an input; `refused` holds what was kept out, also by its source's own wish.

    `duplicate` counts articles that are in already: from another place, or in a later version.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    duplicate: int = 0
    withdrawn: int = 0
    undated: int = 0
    likely: int = 0  # whose day had to be assumed in part
    doubtful: int = 0  # whose day lies in the future, or is in no calendar
    refused: list[UnreadableArticle] = field(default_factory=list)

    @property
    def read(self) -> int:
        return self.new + self.changed + self.unchanged + self.duplicate

    @property
    def counts(self) -> dict[str, int]:
        """All that is counted, by name, but for what was refused."""
        return {name: getattr(self, name) for name in COUNTS}

    def count_date(self, article: Article) -> None:
        """Count how sure an article's day is."""
        self.undated += article.published is None
        self.likely += article.date_certainty is DateCertainty.LIKELY
        self.doubtful += article.date_certainty is DateCertainty.DOUBTFUL


class Admitted(NamedTuple):
    """What a batch brings: what to index, what to keep as history, and what to take out."""

    articles: list[Article]
    earlier: list[Article]
    withdrawn: list[WithdrawnArticle]
    moved: dict[str, Origin]


class Admission:
    """Lets the articles of one run in, batch by batch; the record may lag behind by some."""

    def __init__(self, catalog: Catalog) -> None:
        self._identities = catalog.identities
        self._history = catalog.history
        self._seen: dict[str, Known] = {}  # articles of this run
        self._past: dict[str, set[bytes]] = {}  # what was earlier in this run
        self._withdrawn: dict[str, Withdrawal] = {}
        self._homes: dict[Origin, str] = {}  # ids of this run that were made of a file's place
        self._addresses: dict[str, list[Named]] = {}  # of this run

    def admit(self, found: Sequence[Article | UnreadableArticle], report: Report) -> Admitted:
        """Pick those that must be kept, each id once, and count them all."""
        report.refused += [each for each in found if isinstance(each, UnreadableArticle)]
        withdrawn = self._withdraw([w for w in found if isinstance(w, WithdrawnArticle)], report)
        articles = self._at_address(self._at_home([a for a in found if isinstance(a, Article)]))
        admitted = _Batch(self._identities.known(each.id for each in articles))
        ids = [article.id for article in articles]
        past = self._history.past(ids)
        self._withdrawn = self._history.withdrawn(ids) | self._withdrawn
        for each in articles:
            article = _settled(each, self._seen.get(each.id) or admitted.known.get(each.id))
            if article is not each:
                admitted.known |= self._identities.known([article.id])
            report.count_date(article)
            self._place(article, past.get(article.id, set()), admitted, report)
        kept = admitted.kept
        self._homes |= {each.origin: each.id for each in kept.values() if _is_unnamed(each.id)}
        return Admitted(list(kept.values()), admitted.earlier, withdrawn, admitted.moved)

    def _place(self, article: Article, past: set[bytes], batch: "_Batch", report: Report) -> None:
        """Put one article where it belongs, and count it."""
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
        judgement = judge(article, holder, past, this_run=taken is not None)
        match judgement:
            case Judgement.ANOTHER if holder:
                reason = f"its id {article.id!r} is taken by {holder.title!r} ({holder.origin})"
                remedy = "give another field with --map id=NAME"
                reason = f"{reason}; {remedy}"
                place, record = str(article.origin), record_of(article)
                report.refused.append(UnreadableArticle(place, reason, record=record, key=place))
            case Judgement.UNCHANGED:
                report.unchanged += 1
                self._seen[article.id] = known_as(article)
                digest = article.origin.digest  # none where no copy is kept; those there stay
                if holder and digest and holder.origin.digest != digest:
                    batch.moved[article.id] = article.origin
            case Judgement.DUPLICATE:
                report.duplicate += 1
                self._seen.setdefault(article.id, holder or known_as(article))
            case Judgement.EARLIER:
                report.duplicate += 1
                self._seen.setdefault(article.id, holder or known_as(article))
                self._past.setdefault(article.id, set()).add(article.digest)
                batch.earlier.append(article)
            case Judgement.NEW | Judgement.CHANGED:
                report.new += judgement is Judgement.NEW
                report.changed += judgement is Judgement.CHANGED
                self._keep(article, holder, batch)

    def _keep(self, article: Article, holder: Known | None, batch: "_Batch") -> None:
        if holder:
            self._past.setdefault(article.id, set()).add(holder.digest)
        if replaced := batch.kept.get(article.id):
            batch.earlier.append(replaced)
        self._seen[article.id] = known_as(article)
        batch.kept[article.id] = article

    def _withdraw(
        self, withdrawn: list[WithdrawnArticle], report: Report
    ) -> list[WithdrawnArticle]:
        """Let go of what is taken back, unless a later version of it is there."""
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
        """Give files the id they have already, if they were read through another folder before."""
        unnamed = [article.origin for article in articles if _is_unnamed(article.id)]
        homes = (self._identities.ids_at(unnamed) if unnamed else {}) | self._homes
        return [
            replace(article, id=homes[article.origin])
            if _is_unnamed(article.id) and _is_unnamed(homes.get(article.origin, ""))
            else article
            for article in articles
        ]

    def _at_address(self, articles: list[Article]) -> list[Article]:
        """Give an article the id of the one of its title and day that is at its address already."""
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


class _Batch:
    """What is found out about a batch while it is judged."""

    def __init__(self, known: dict[str, Known]) -> None:
        self.known = known
        self.kept: dict[str, Article] = {}
        self.earlier: list[Article] = []
        self.moved: dict[str, Origin] = {}


def _is_unnamed(article_id: str) -> bool:
    """Tell an id that was made of a file's place from one that the source gave."""
    return article_id.startswith("file-")


def _settled(article: Article, holder: Known | None) -> Article:
    """Keep two files apart whose names below their folders are the same.

    An id made of a file's name is taken by another file, which is still there and says something
    else: then the whole path names the newcomer.
    """
    if not holder or not _is_unnamed(article.id) or holder.digest == article.digest:
        return article
    if holder.origin.file == article.origin.file or not holder.origin.path.exists():
        return article
    return replace(article, id=derived_id("", str(article.origin)))
