"""Decides which article of the archive an article of the input is, if any, and what becomes of it.

An id alone does not say so: an id such as `news-12` is used by several outlets, and by one outlet
again for its next story. What else two articles have in common decides. Articles of two outlets
with different titles are never one article.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from enum import Enum, IntEnum, auto
from itertools import islice
from typing import NamedTuple

from backfile.archive.model.addresses import canonical_url, is_amp_or_mobile, is_page, site_of
from backfile.archive.model.article import PROGRAM, STANDARD_INPUT, Article
from backfile.archive.model.errors import WithdrawnArticle
from backfile.archive.model.ids import folded, is_derived, is_global, scoped_ids
from backfile.archive.store.identities import Known, Named, day_number

FETCHED = re.compile(r"https?://", re.I)  # the place of a feed
MOVING = re.compile(
    rf"{FETCHED.pattern}|{PROGRAM}\Z|{STANDARD_INPUT}\Z", re.I
)  # the numbers say nothing of articles
WORD = re.compile(r"\w+")
RUN = 3  # words
# Of 3,000 pairs of articles of one outlet and one day (AllSides), 99% share less than 0.06.
OF_ONE_STORY = 0.1


class Kind(IntEnum):
    """How an article was recognised as one of the archive; the surest way is the greatest."""

    NONE = 0
    """It is another article."""
    TEXT = 1
    """Much of the text is the same: its title was changed, or its title and its day."""
    TITLE = 2
    """It has the same title."""
    PAGE = 3
    """It has the same address."""
    PLACE = 4
    """It is in the same place of the same file: that was changed, or is read in another way."""
    VERSION = 5
    """Its source counts versions."""
    FORMER = 6
    """It equals an earlier version."""
    EQUAL = 7
    """It equals the article."""


class Likeness(NamedTuple):
    """How an article is like one of the archive; the greatest of several likenesses counts."""

    kind: Kind = Kind.NONE
    same_title: bool = False
    same_day: bool = False


class Pair(NamedTuple):
    """An article, and the one that the archive or this run has under one of its possible ids.

    `past` are the digests of the latter's earlier versions, `text` fetches its text. `this_run`:
    both were read in one run.
    """

    article: Article
    id: str
    holder: Known
    past: set[bytes]
    text: Callable[[], str]
    this_run: bool

    def likeness(self) -> Likeness:
        """Compare the two."""
        same_title = folded(self.article.title) == folded(self.holder.title)
        same_day = day_number(self.article) == self.holder.published
        return Likeness(self._kind(same_title=same_title), same_title, same_day)

    def _kind(self, *, same_title: bool) -> Kind:
        article, holder = self.article, self.holder
        if is_equal(article, holder):
            return Kind.EQUAL
        here = article.origin == holder.origin and not self.this_run
        in_file = here and not MOVING.match(article.origin.file)
        if is_derived(self.id):
            return Kind.PLACE if in_file else Kind.NONE
        if here and article.origin.digest == holder.origin.digest != "":
            return Kind.PLACE
        same_page = is_page(article.url) and canonical_url(article.url) == canonical_url(holder.url)
        if not same_page and self._is_foreign(same_title=same_title):
            return Kind.PLACE if here and same_title else Kind.NONE
        if article.digest in self.past:
            return Kind.PLACE if in_file else Kind.FORMER  # a file that was changed back
        if article.version and holder.version and article.version != holder.version:
            return Kind.VERSION
        if article.origin.is_passing and not self.this_run:
            return Kind.PLACE
        if in_file and self._is_in_place(same_title=same_title):
            return Kind.PLACE
        if same_page and not self.this_run:
            return Kind.PAGE
        return self._told_by_words(same_title=same_title)

    def _is_foreign(self, *, same_title: bool) -> bool:
        """Whether both are of different outlets or, if they differ in title, of different feeds."""
        article, holder = self.article, self.holder
        if article.origin.is_passing and not self.this_run and same_title:
            return False
        if is_foreign(self.id, article.source, article.url, holder):
            return not (same_title and is_global(self.id))
        files = {article.origin.file, holder.origin.file}
        return not same_title and len(files) == 2 and all(map(FETCHED.match, files))

    def _is_in_place(self, *, same_title: bool) -> bool:
        """Whether the article in this line was changed, and not replaced by another story."""
        undated = None in (self.article.date_span, self.holder.published)
        return same_title or undated or is_global(self.id) or self._is_rewritten()

    def _told_by_words(self, *, same_title: bool) -> Kind:
        days = {day_number(self.article), self.holder.published}
        another_day = len(days) == 2 and None not in days
        if self.this_run:
            return Kind.TITLE if same_title and not another_day else Kind.NONE
        sure, same_day = is_global(self.id), len(days) == 1 and None not in days
        if same_title and (sure or not another_day or self._is_rewritten()):
            return Kind.TITLE
        if (sure and same_day) or ((sure or same_day) and self._is_rewritten()):
            return Kind.TEXT
        return Kind.NONE

    def _is_rewritten(self) -> bool:
        return are_of_one_story(self.article.text, self.text())


def is_foreign(article_id: str, source: str, url: str, holder: Known) -> bool:
    """Whether an article is of another outlet than the one with its id.

    An id that is unique everywhere is believed unless both outlet and host are different.
    """
    outlets = source.casefold(), holder.source.casefold()
    hosts = site_of(url), site_of(holder.url)
    different = [all(pair) and pair[0] != pair[1] for pair in (outlets, hosts)]
    return all(different) if is_global(article_id) else any(different)


def ids_of_withdrawal(withdrawn: WithdrawnArticle) -> list[str]:
    """The ids under which the archive may hold an article that is withdrawn."""
    given = withdrawn.article_id
    scoped = scoped_ids(given, withdrawn.source, withdrawn.url, withdrawn.date_span)
    return [given, *(() if is_global(given) else islice(scoped, 2))]


def kind_by_id(article: Article, holder: Known | None) -> Kind:
    """How an article that was received over HTTP is recognised: its id alone says which it is.

    Whoever puts an article replaces what is under its id, by an earlier version, too.
    """
    if holder is None:
        return Kind.TITLE
    return Kind.EQUAL if holder.digest == article.digest else Kind.PLACE


def is_equal(article: Article, holder: Known) -> bool:
    """Whether all that a reader can see is equal; two addresses of one page are equal."""
    if holder.digest == article.digest:
        return True
    if not article.url or article.url == holder.url:
        return False
    at_its_address = replace(article, url=holder.url)
    same_page = canonical_url(article.url) == canonical_url(holder.url)
    return same_page and at_its_address.digest == holder.digest


def is_same_at_address(article: Article, holder: Named) -> bool:
    """Whether two articles at one address are one, whatever their ids: by title and day."""
    day = day_number(article)
    title = folded(article.title)
    return bool(title) and title == folded(holder.title) and (day or 0) == (holder.published or 0)


def are_of_one_story(text: str, other: str) -> bool:
    """Whether enough runs of words of the shorter text are in the other one.

    >>> are_of_one_story("The ferry stops in May.", "In May. The ferry stops in May, at last.")
    True
    """
    texts = [WORD.findall(each.casefold()) for each in (text, other)]
    length = min(RUN, *map(len, texts))
    few, many = sorted(({*_runs(words, length)} for words in texts), key=len)
    return bool(few) and len(few & many) >= OF_ONE_STORY * len(few)


def _runs(words: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    return zip(*(words[n:] for n in range(length)), strict=False)


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
    if kind is Kind.EQUAL and not holder.is_sound:
        return Decision.CHANGED  # back to what it was
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
