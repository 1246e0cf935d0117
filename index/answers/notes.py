"""Warnings in an answer, and alternative words for a query without a good answer."""

from datetime import date

from backfile.archive.model.message import Message
from backfile.index.asking.corrections import articles_with, likely
from backfile.index.lexical.analysis.analyser import words_of
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.model.expression import Expression, positive_leaves
from backfile.index.model.filters import Filters
from backfile.index.model.query import Mode, Query
from backfile.index.model.results import Offer
from backfile.index.model.whole import Stage, in_rounds


def warnings(
    query: Query,
    *,
    generation: int,
    words_coverage: float,
    no_words: str | None,
    no_meaning: str | None,
) -> list[Message]:
    """List the limits of an answer.

    `words_coverage` is the share of passages that can be found by words, 0 to 1; `no_words` and
    `no_meaning` are the reasons why the search by words or by meaning failed; `generation` is the
    generation of the answer's snapshot.
    """
    found = []
    if no_meaning:
        found.append(Message("by words alone: %(failure)s", failure=no_meaning))
    if no_words:
        found.append(Message("by meaning alone: %(failure)s", failure=no_words))
    elif query.mode is not Mode.SEMANTIC and query.text and words_coverage < 1:
        found.append(
            Message(
                "by words, %(share)s%% of the archive can be searched so far",
                share=int(100 * words_coverage),
            )
        )
    if query.cursor and query.cursor.generation != generation:
        found.append(
            Message(
                "the archive has changed since the first page: results may be missed or repeated"
            )
        )
    return found


def beyond_days(filters: Filters, last_day: int) -> list[Message]:
    """Say when the last articles are from if there are none from the asked days on.

    `last_day` is that of the archive, as in `date.toordinal()`, 0 if no article is dated.
    """
    if not last_day or not filters.since or filters.since.toordinal() <= last_day:
        return []
    last = date.fromordinal(last_day)
    return [Message("the last articles are from %(day)s", day=last.isoformat())]


MOST_OFFERS = 8
MOST_WORDS = 12  # of a query
MOST_CORRECTIONS = 2  # of one out-of-vocabulary word


def alternative_words(
    expression: Expression | None, lexical: LexicalSearch
) -> Stage[tuple[Offer, ...]]:
    """Corrections of the out-of-vocabulary words, then the other words, rarest first."""
    if expression is None:
        return ()
    languages = lexical.languages
    words = [word for leaf in positive_leaves(expression) for word in words_of(leaf.text)]
    content_words = list(dict.fromkeys(languages.weighty(words)))[:MOST_WORDS]
    found = yield from articles_with(content_words, lexical)
    counts = dict(zip(content_words, found, strict=True))
    spellings = lexical.spellings()
    near = yield from in_rounds(
        likely(word, spellings, languages) for word, count in counts.items() if not count
    )
    spelt = [each.spelling for some in near for each in some[:MOST_CORRECTIONS]]
    numbers = yield from articles_with([each.text for each in spelt], lexical)
    corrected = [Offer(each.written, n) for each, n in zip(spelt, numbers, strict=True)]
    present = sorted((count, word) for word, count in counts.items() if count)
    offers = [*corrected, *(Offer(word, count) for count, word in present)]
    return tuple({offer.word: offer for offer in offers if offer.articles}.values())[:MOST_OFFERS]
