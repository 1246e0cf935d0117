"""Marks the words of a query in whole articles."""

from typing import NamedTuple

from backfile.archive.model.article import Article
from backfile.index.asking.reader import ReadQuery
from backfile.index.asking.relaxation import relaxed_forms
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.highlighter import Highlighter, Span


class Marks(NamedTuple):
    """The matched words of an article as (start, end), in characters of its title and its text."""

    title: tuple[Span, ...] = ()
    text: tuple[Span, ...] = ()

    def __bool__(self) -> bool:
        return any(self)


class ArticleMarker:
    """Marks any number of articles for one query: by the query, or by its first relaxed form."""

    def __init__(self, asked: ReadQuery, languages: Languages) -> None:
        expression, strict = asked.expression, asked.query.strict
        forms = relaxed_forms(expression) if expression and not strict else (expression,)
        self._highlighters = [Highlighter(form, languages) for form in forms]

    def mark(self, article: Article) -> Marks:
        """The marks of the first form that has any in this article."""
        for highlighter in self._highlighters:
            texts = (article.title, article.text)
            marks = Marks(*(highlighter.mark(text, article.language) for text in texts))
            if marks:
                return marks
        return Marks()
