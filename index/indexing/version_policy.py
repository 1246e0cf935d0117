"""Decides what becomes of an article that the archive has already, by how it was recognised."""

from enum import Enum, auto

from backfile.archive.model.addresses import is_amp_or_mobile
from backfile.archive.model.article import Article
from backfile.archive.store.identities import Known
from backfile.index.indexing.identity import Kind

EXCERPT = 0.5  # of a text's length; a shorter text is an excerpt of the article


class Decision(Enum):
    """What an article is to the archive."""

    CHANGED = auto()
    UNCHANGED = auto()
    DUPLICATE = auto()
    """It equals the article in the archive, or an earlier version of it."""
    EARLIER = auto()
    """It is an earlier version of the article in the archive, or an excerpt of it."""


def decide(
    article: Article, holder: Known, kind: Kind, *, this_run: bool, displaced: bool = False
) -> Decision:
    """Compare an article with the one in the archive that it is.

    `this_run` says that both were read in one run, `displaced` that this run has read something
    else in the place of the one in the archive. Of one title read twice, the later reading counts;
    of two versions the later version.
    """
    if kind is Kind.EQUAL:
        if this_run:
            moved = holder.origin == article.origin
        else:
            before = holder.origin
            moved = displaced or before.file == article.origin.file or not before.path.exists()
        return Decision.UNCHANGED if moved else Decision.DUPLICATE
    if kind is Kind.FORMER:
        return Decision.DUPLICATE
    if kind is Kind.VERSION:
        return Decision.CHANGED if article.version > holder.version else Decision.EARLIER
    if kind is Kind.PLACE:
        return Decision.CHANGED
    return Decision.EARLIER if _is_lesser(article, holder) else Decision.CHANGED


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
