"""Decides what an article is to the one that has its id: a correction, a copy, or another one."""

from dataclasses import replace
from enum import Enum, auto

from backfile.archive.model.addresses import canonical_url, is_amp_or_mobile
from backfile.archive.model.article import Article
from backfile.archive.store.identities import Known, Named, day_number

EXCERPT = 0.5  # of a text's length; what is shorter stands for less than the whole article


class Judgement(Enum):
    """What becomes of an article."""

    NEW = auto()
    CHANGED = auto()
    UNCHANGED = auto()
    DUPLICATE = auto()
    """It says what is there, or what was there before."""
    EARLIER = auto()
    """It is an earlier or a lesser version of what is there."""
    ANOTHER = auto()
    """It is something else under the same id."""


def folded(title: str) -> str:
    """Reduce a title to what tells it from others.

    >>> folded("Bridge closed!") == folded("BRIDGE  CLOSED")
    True
    """
    return "".join(filter(str.isalnum, title.casefold()))


def judge(article: Article, holder: Known | None, past: set[bytes], *, this_run: bool) -> Judgement:
    """Compare an article with the one under its id; `past` are the digests of earlier versions.

    `this_run` says that both were read in one run. Then what has another title, and no version of
    its own, is another article: of one title read twice, the later reading counts.
    """
    if holder is None:
        return Judgement.NEW
    same_place = holder.origin == article.origin
    if _says_the_same(article, holder):
        elsewhere = not same_place and (this_run or holder.origin.path.exists())
        return Judgement.DUPLICATE if elsewhere else Judgement.UNCHANGED
    if article.digest in past:
        return Judgement.DUPLICATE
    if article.version != holder.version and article.version and holder.version:
        later = article.version > holder.version
        return Judgement.CHANGED if later else Judgement.EARLIER
    if same_place and not this_run:
        return Judgement.CHANGED
    if not _is_same(article, holder, this_run=this_run):
        return Judgement.ANOTHER
    return Judgement.EARLIER if _is_lesser(article, holder) else Judgement.CHANGED


def is_same_at_address(article: Article, holder: Named) -> bool:
    """Tell an article from others at its address, whatever their ids: by its title and day."""
    day = day_number(article)
    title = folded(article.title)
    return bool(title) and title == folded(holder.title) and (day or 0) == (holder.published or 0)


def _says_the_same(article: Article, holder: Known) -> bool:
    """Compare all that can be seen; of two addresses that name one page, either will do."""
    if holder.digest == article.digest:
        return True
    if not article.url or article.url == holder.url:
        return False
    at_its_address = replace(article, url=holder.url)
    same_page = canonical_url(article.url) == canonical_url(holder.url)
    return same_page and at_its_address.digest == holder.digest


def _is_same(article: Article, holder: Known, *, this_run: bool) -> bool:
    """Tell a correction of an article from another article that was given its id."""
    day = day_number(article)
    another_day = None not in (day, holder.published) and day != holder.published
    if folded(article.title) == folded(holder.title):
        return not (this_run and another_day)
    return not this_run and day is not None and day == holder.published


def _is_lesser(article: Article, holder: Known) -> bool:
    """Tell an excerpt from the whole, and an AMP or mobile page from the plain one.

    Only what has a web address: feeds and teasers are excerpts, a shorter text elsewhere is newer.
    """
    if not article.url or not holder.url:
        return False
    if len(article.text) < EXCERPT * holder.length:
        return True
    if holder.length < EXCERPT * len(article.text):
        return False
    return is_amp_or_mobile(article.url) and not is_amp_or_mobile(holder.url)
