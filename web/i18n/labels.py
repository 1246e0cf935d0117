"""Labels on pages for the short English values of URLs, JSON and code."""

from backfile.archive.model.article import DateCertainty
from backfile.archive.model.message import Message
from backfile.index.model.periods import Unit
from backfile.index.model.query import Mode, QueryPartKind, Sort

NAMES: dict[str, dict[str, Message]] = {
    "FACET_NAMES": {
        "source": Message("source"),
        "section": Message("section"),
        "language": Message("language"),
        "author": Message("author"),
        "person": Message("person"),
        "organisation": Message("organisation"),
        "place": Message("place"),
    },
    "FIELD_NAMES": {
        "title": Message("title"),
        "date_span": Message("published"),
        "source": Message("source"),
        "section": Message("section"),
        "authors": Message("authors"),
        "language": Message("language"),
        "url": Message("address"),
        "version": Message("version"),
    },
    "MODE_NAMES": {
        Mode.HYBRID: Message("Words and meaning"),
        Mode.KEYWORD: Message("Words"),
        Mode.SEMANTIC: Message("Meaning"),
    },
    "SORT_NAMES": {
        Sort.RELEVANCE: Message("relevance"),
        Sort.NEWEST: Message("newest"),
        Sort.OLDEST: Message("oldest"),
        Sort.ADDED: Message("added"),
    },
    "UNIT_NAMES": {
        Unit.DAY: Message("day"),
        Unit.MONTH: Message("month"),
        Unit.YEAR: Message("year"),
        Unit.DECADE: Message("decade"),
        Unit.CENTURY: Message("century"),
    },
    "KIND_NAMES": {
        QueryPartKind.WORD: Message("word"),
        QueryPartKind.PHRASE: Message("phrase"),
        QueryPartKind.PREFIX: Message("prefix"),
        QueryPartKind.FUZZY: Message("fuzzy"),
        QueryPartKind.NEAR: Message("near"),
        QueryPartKind.FIELD: Message("field"),
        QueryPartKind.DATE: Message("date"),
        QueryPartKind.EXCLUSION: Message("exclusion"),
    },
    "CERTAINTY_NAMES": {
        DateCertainty.CERTAIN: Message("date certain"),
        DateCertainty.LIKELY: Message("date likely"),
        DateCertainty.DOUBTFUL: Message("date doubtful"),
    },
}
"""The labels by the name of their global variable in templates."""
