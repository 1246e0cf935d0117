"""Judges what was read: what is new, changed or unchanged, and what is refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from archive.article import Article, Origin
from archive.errors import UnreadableArticle
from archive.reading.fields import derived_id
from archive.store.catalog import Catalog, Known


@dataclass(slots=True)
class Report:
    """What became of an input."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    undated: int = 0
    refused: list[UnreadableArticle] = field(default_factory=list)

    @property
    def read(self) -> int:
        return self.new + self.changed + self.unchanged


class Admission:
    """Lets the articles of one run in, batch by batch; the record may lag behind by some."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._seen: dict[str, Known] = {}  # articles of this run
        self._homes: dict[Origin, str] = {}  # ids of this run that were made of a file's place

    def admit(self, articles: Sequence[Article], report: Report) -> list[Article]:
        """Pick those that must be kept, each id once, and count them all."""
        articles = self._at_home(articles)
        known = self._catalog.known([article.id for article in articles])
        kept: dict[str, Article] = {}
        for found in articles:
            article = _settled(found, self._seen.get(found.id) or known.get(found.id))
            if article is not found:
                known |= self._catalog.known([article.id])
            report.undated += article.published is None
            taken = self._seen.get(article.id)
            before = taken or known.get(article.id)
            if before and _is_another(article, before, this_run=taken is not None):
                reason = f"its id {article.id!r} is taken by {before.title!r} ({before.origin})"
                remedy = "give another field with --map id=NAME"
                report.refused.append(UnreadableArticle(str(article.origin), f"{reason}; {remedy}"))
                continue
            self._seen[article.id] = known_as(article)
            if before and before.digest == article.digest:
                report.unchanged += 1
                continue
            report.changed += before is not None
            report.new += before is None
            kept[article.id] = article
        self._homes |= {each.origin: each.id for each in kept.values() if _is_unnamed(each.id)}
        return list(kept.values())

    def _at_home(self, articles: Sequence[Article]) -> list[Article]:
        """Give files the id they have already, if they were read through another folder before."""
        unnamed = [article.origin for article in articles if _is_unnamed(article.id)]
        homes = (self._catalog.ids_at(unnamed) if unnamed else {}) | self._homes
        return [
            replace(article, id=homes[article.origin])
            if _is_unnamed(article.id) and _is_unnamed(homes.get(article.origin, ""))
            else article
            for article in articles
        ]


def known_as(article: Article) -> Known:
    """What the catalogue would say of an article."""
    published = article.published.toordinal() if article.published else None
    return Known(article.digest, article.title, published, article.origin)


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


def _is_another(article: Article, holder: Known, *, this_run: bool) -> bool:
    """Tell a correction from another article that was given the same id.

    Within one run nothing is corrected: what says something else is another article. Between runs
    it is one if it has another title, and comes from another place or another day.
    """
    if article.digest == holder.digest:
        return False
    if this_run:
        return article.origin != holder.origin
    published = article.published.toordinal() if article.published else None
    same_day = published is not None and published == holder.published
    return holder.title != article.title and holder.origin != article.origin and not same_day
