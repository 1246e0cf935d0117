"""Says of an article's day what a reader has to know: what was assumed, and what was written."""

import re
from datetime import date

from archive.article import Article, DateCertainty, DateSource

FIGURES = re.compile(
    r"(?<!\d)(?<!\d[/-])(\d{1,2})[/-](\d{1,2})[/-](\d{2}|\d{4})(?!\d)"
)  # dots leave no choice
PLACES = {
    DateSource.TEXT: "taken from its address or its text",
    DateSource.FILE: "taken from the name of its file",
}


def date_note(article: Article) -> str:
    """What is to be said of an article's day: nothing where it is certain, or simply absent."""
    said = [f"as written: {article.date_written}"] if article.date_written else []
    return "; ".join([*said, *([reason] if (reason := _reason(article)) else [])])


def _reason(article: Article) -> str:
    match article.date_certainty:
        case DateCertainty.DOUBTFUL if article.published:
            return "in the future when it was read"
        case DateCertainty.DOUBTFUL:
            return "no article can be of that day"
        case DateCertainty.NONE:
            return "no day is named" if article.date_written else ""
        case DateCertainty.LIKELY:
            return PLACES.get(article.date_source) or _way(article)
    return ""


def _way(article: Article) -> str:
    """How what is written was read as a day."""
    found, day = FIGURES.search(article.date_written), article.published
    if day is None:
        return ""
    century = "" if str(day.year) in article.date_written else f"as of {day.year}"
    order = _order(int(found[1]), int(found[2]), int(found[3]), day) if found else ""
    how = " and ".join(part for part in (order, century) if part)
    return f"read {how}" if how else "the first of several days"


def _order(first: int, second: int, third: int, day: date) -> str:
    """Which of three figures was taken to stand first; nothing where only one of them can."""
    if (day.year % 100, day.day) == (first, third % 100) != (third % 100, first):
        return "with the year first"
    if first == second or max(first, second) > 12:
        return ""
    return "with the day first" if first == day.day else "with the month first"
