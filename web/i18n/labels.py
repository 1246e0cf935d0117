"""Labels on pages for the short English values of URLs, JSON and code."""

from backfile.archive.model.article import DateCertainty
from backfile.archive.model.message import Message
from backfile.index.model.periods import Unit
from backfile.index.model.query import ContextOrder, Mode, QueryPartKind, Sort, View

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
        Mode.HYBRID: Message("Best match"),
        Mode.KEYWORD: Message("Exact words"),
        Mode.SEMANTIC: Message("Similar meaning"),
    },
    "SORT_NAMES": {
        Sort.RELEVANCE: Message("Relevance"),
        Sort.NEWEST: Message("Newest"),
        Sort.OLDEST: Message("Oldest"),
        Sort.ADDED: Message("Recently added"),
    },
    "VIEW_NAMES": {
        View.EXCERPTS: Message("Excerpts"),
        View.LIST: Message("List"),
        View.CONTEXT: Message("Words in context"),
    },
    "CONTEXT_NAMES": {
        ContextOrder.RIGHT: Message("the words to the right"),
        ContextOrder.LEFT: Message("the words to the left"),
        ContextOrder.DATE: Message("date"),
        ContextOrder.SOURCE: Message("outlet"),
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
