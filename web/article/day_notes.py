"""Says of an article's day what a reader has to know: what was assumed, and what was written."""

import re
from datetime import date

from archive.article import Article, DateCertainty, DateSource
from archive.message import Message

FIGURES = re.compile(
    r"(?<!\d)(?<!\d[/-])(\d{1,2})[/-](\d{1,2})[/-](\d{2}|\d{4})(?!\d)"
)  # dots leave no choice
PLACES = {
    DateSource.TEXT: Message("taken from its address or its text"),
    DateSource.FILE: Message("taken from the name of its file"),
}


def date_note(article: Article) -> str:
    """What is to be said of an article's day: nothing where it is certain, or simply absent."""
    reason = _reason(article)
    if not article.date_written:
        return reason
    if not reason:
        return Message("as written: %(written)s", written=article.date_written)
    return Message(
        "as written: %(written)s; %(reason)s", written=article.date_written, reason=reason
    )


def _reason(article: Article) -> str:
    match article.date_certainty:
        case DateCertainty.DOUBTFUL if article.published:
            return Message("in the future when it was read")
        case DateCertainty.DOUBTFUL:
            return Message("no article can be of that day")
        case DateCertainty.NONE if article.date_written:
            return Message("no day is named")
        case DateCertainty.LIKELY:
            return PLACES.get(article.date_source) or _way(article)
    return ""


def _way(article: Article) -> str:
    """How what is written was read as a day."""
    found, day = FIGURES.search(article.date_written), article.published
    if day is None:
        return ""
    order = _order(int(found[1]), int(found[2]), int(found[3]), day) if found else ""
    if str(day.year) in article.date_written:
        return order or Message("the first of several days")
    if order:
        return Message("%(order)s and as of %(year)s", order=order, year=str(day.year))
    return Message("read as of %(year)s", year=str(day.year))


def _order(first: int, second: int, third: int, day: date) -> str:
    """Which of three figures was taken to stand first; nothing where only one of them can."""
    if (day.year % 100, day.day) == (first, third % 100) != (third % 100, first):
        return Message("read with the year first")
    if first == second or max(first, second) > 12:
        return ""
    if first == day.day:
        return Message("read with the day first")
    return Message("read with the month first")
