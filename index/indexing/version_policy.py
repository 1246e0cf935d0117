"""Decides what an article is to the one with its id: a correction, a duplicate, or another one."""

from dataclasses import replace
from enum import Enum, auto

from backfile.archive.model.addresses import canonical_url, is_amp_or_mobile
from backfile.archive.model.article import PROGRAM, Article
from backfile.archive.store.identities import Known, Named, day_number

EXCERPT = 0.5  # of a text's length; a shorter text is an excerpt of the article


class Decision(Enum):
    """What an article is to the archive."""

    CHANGED = auto()
    UNCHANGED = auto()
    DUPLICATE = auto()
    """It equals the article in the archive, or an earlier version of it."""
    EARLIER = auto()
    """It is an earlier version of the article in the archive, or an excerpt of it."""
    ANOTHER = auto()
    """It is another article with the same id."""


def folded(title: str) -> str:
    """Fold a title for comparison: its letters and figures, without case.

    >>> folded("Bridge closed!") == folded("BRIDGE  CLOSED")
    True
    """
    return "".join(filter(str.isalnum, title.casefold()))


def decide(article: Article, holder: Known, past: set[bytes], *, this_run: bool) -> Decision:
    """Compare an article with the one under its id; `past` are the digests of earlier versions.

    `this_run` says that both were read in one run. Then an article with another title, and without
    a version of its own, is another article; of one title read twice, the later reading counts.
    A program's article replaces the one that an earlier run put under its id.
    """
    same_place = holder.origin == article.origin
    if _is_equal(article, holder) and not holder.is_sound:
        return Decision.CHANGED  # back to what it was
    if _is_equal(article, holder):
        elsewhere = not same_place and (this_run or holder.origin.path.exists())
        return Decision.DUPLICATE if elsewhere else Decision.UNCHANGED
    if article.digest in past:
        return Decision.DUPLICATE
    if article.version != holder.version and article.version and holder.version:
        later = article.version > holder.version
        return Decision.CHANGED if later else Decision.EARLIER
    if (same_place or article.origin.file == PROGRAM) and not this_run:
        return Decision.CHANGED
    if not _is_correction(article, holder, this_run=this_run):
        return Decision.ANOTHER
    return Decision.EARLIER if _is_lesser(article, holder) else Decision.CHANGED


def is_same_at_address(article: Article, holder: Named) -> bool:
    """Whether two articles at one address are one, whatever their ids: by title and day."""
    day = day_number(article)
    title = folded(article.title)
    return bool(title) and title == folded(holder.title) and (day or 0) == (holder.published or 0)


def _is_equal(article: Article, holder: Known) -> bool:
    """Whether all that a reader can see is equal; two addresses of one page are equal."""
    if holder.digest == article.digest:
        return True
    if not article.url or article.url == holder.url:
        return False
    at_its_address = replace(article, url=holder.url)
    same_page = canonical_url(article.url) == canonical_url(holder.url)
    return same_page and at_its_address.digest == holder.digest


def _is_correction(article: Article, holder: Known, *, this_run: bool) -> bool:
    """Whether an article is a correction of the one with its id, and not another article."""
    day = day_number(article)
    another_day = None not in (day, holder.published) and day != holder.published
    if folded(article.title) == folded(holder.title):
        return not (this_run and another_day)
    return not this_run and day is not None and day == holder.published


def _is_lesser(article: Article, holder: Known) -> bool:
    """Whether an article is an excerpt of the one in the archive, or an AMP or mobile page of it.

    Only articles with web addresses: feeds carry excerpts, elsewhere a shorter text is a newer one.
    """
    if not article.url or not holder.url:
        return False
    if len(article.text) < EXCERPT * holder.length:
        return True
    if holder.length < EXCERPT * len(article.text):
        return False
    return is_amp_or_mobile(article.url) and not is_amp_or_mobile(holder.url)
