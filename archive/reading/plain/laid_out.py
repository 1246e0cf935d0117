"""Reads a record as its source has laid it out, where an empty field says something too."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from archive.article import Article, DateCertainty, DateSource, Origin
from archive.reading.fields import NORMAL_NAMES, FieldMap, article_from, normal_name


def article_as_laid_out(
    record: Mapping[str, Any], origin: Origin, names: FieldMap, key: str
) -> Article:
    """Make an article of a record; an empty field for its date says that its source knows of none.

    Raises UnreadableArticle as `article_from` does.
    """
    article = article_from(record, origin, names, key)
    if article.date_source is not DateSource.TEXT or not leaves_empty("published", record, names):
        return article
    none = DateCertainty.NONE  # whatever its address may look like
    return replace(article, published=None, date_source=DateSource.NONE, date_certainty=none)


def leaves_empty(ours: str, record: Mapping[str, Any], names: FieldMap) -> bool:
    """Whether a record has a field for this, and nothing in it.

    >>> leaves_empty("published", {"Date": ""}, FieldMap())
    True
    """
    chosen = names.chosen.get(ours)
    usual = NORMAL_NAMES[ours]
    values = [
        value
        for name, value in record.items()
        if (str(name) == chosen if chosen else normal_name(str(name)) in usual)
    ]
    return bool(values) and not any(str(value or "").strip() for value in values)
