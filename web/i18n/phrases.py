"""Phrases for both pages and shell: totals of a search, parts of a score, notes on a date."""

import re
from collections.abc import Sequence
from datetime import date

from backfile.archive.model.article import Article, DateCertainty, DateSource
from backfile.archive.model.message import Message
from backfile.index.model.groups import Group
from backfile.index.model.query import Copies, Mode
from backfile.index.model.results import (
    Loosened,
    Results,
    Rule,
    ScorePart,
    ScorePartKind,
    Verdict,
)

MOST_PARTS = 6  # shown parts of a score


def total_in_words(results: Results) -> Message:
    """The totals of a search: `12 stories, 17 articles`; articles alone if there are no copies."""
    totals = results.totals
    articles = articles_in_words(totals.articles)
    if totals.stories == totals.articles:
        return articles
    stories = Message.counted("%(number)s story", "%(number)s stories", totals.stories)
    if results.query.copies is Copies.FOLD:
        return Message("%(stories)s, %(articles)s", stories=stories, articles=articles)
    return Message("%(articles)s, %(stories)s", stories=stories, articles=articles)


def articles_in_words(number: int) -> Message:
    """A number of articles."""
    return Message.counted("%(number)s article", "%(number)s articles", number)


def relaxed_in_words(results: Results) -> Message | None:
    """Say that nothing met the requirements of a query that was relaxed, and what follows."""
    relaxed, filtered = results.relaxed, bool(results.reading.query.filters)
    if relaxed is None:
        return None
    if relaxed.rules != (Rule.PHRASE,):
        none = Message("No article matches all of this")
        under_filters = Message("No article under these filters matches all of this")
    else:
        none = Message("No article has exactly these words")
        under_filters = Message("No article under these filters has exactly these words")
    said = under_filters if filtered else none
    if not results.hits:
        return Message("%(said)s.", said=said)
    if relaxed.to is Loosened.NEAR:
        return Message("%(said)s. Closest wording:", said=said)
    return Message("%(said)s. Closest articles:", said=said)


def groups_in_words(results: Results) -> dict[Group, Message]:
    """Say how many hits each group has, in order; nothing where all hits are of one group by words.

    If there are none with all words, that is said first.
    """
    counts = results.totals.groups
    shown = {group: _group_in_words(group, count) for group, count in counts.items() if count}
    some_words = counts[Group.MOST] or counts[Group.SOME]
    if Group.ALL in shown and not some_words:
        shown[Group.ALL] = Message.counted(
            "%(number)s mentions these words", "%(number)s mention these words", counts[Group.ALL]
        )
    elif Group.ALL not in shown and shown and results.query.mode is not Mode.SEMANTIC:
        shown = {Group.ALL: Message("none mentions all of these words"), **shown}
    return shown if len(shown) > 1 else {}


def _group_in_words(group: Group, number: int) -> Message:
    match group:
        case Group.ALL:
            return Message.counted(
                "%(number)s mentions all words", "%(number)s mention all words", number
            )
        case Group.MOST:
            return Message("%(number)s most of them", number=number)
        case Group.SOME:
            return Message("%(number)s some of them", number=number)
        case Group.RELATED:
            return Message("%(number)s related", number=number)


def copies_in_words(number: int) -> Message:
    """A number of copies."""
    return Message.counted("%(number)s duplicate", "%(number)s duplicates", number)


def quality_in_words(results: Results) -> Message:
    """How well a query was answered, in a few words."""
    if results.verdict is Verdict.NONE or not results.total:
        return Message("nothing found")
    if results.did_you_mean and results.did_you_mean.is_shown:
        return Message("found as “%(text)s”", text=results.did_you_mean.text)
    if results.relaxed:
        return Message("not word for word")
    return Message("found") if results.verdict is Verdict.STRONG else Message("a weak match")


def part_name(part: ScorePart) -> str:
    """The name of a part of a score."""
    match part.kind:
        case ScorePartKind.MEANING:
            return Message("closeness in meaning")
        case ScorePartKind.ASSUMED:
            return Message("closeness in meaning, assumed")
        case ScorePartKind.PASSAGE:
            number = int(part.text.rpartition(":")[2]) + 1
            return Message("a share of passage %(place)s", place=number)
        case ScorePartKind.COPY:
            return Message("a duplicate that answers better")
        case ScorePartKind.RERANKED:
            return Message("read together with the question")
    return part.text


def strongest(parts: Sequence[ScorePart]) -> list[ScorePart]:
    """The parts with the highest scores; the others are merged into one part."""
    ordered = sorted(parts, key=lambda part: -part.score)
    if len(ordered) <= MOST_PARTS:
        return ordered
    first, others = ordered[: MOST_PARTS - 1], ordered[MOST_PARTS - 1 :]
    rest = sum(part.score for part in others)
    more = Message.counted("%(number)s more", "%(number)s more", len(others))
    return [*first, ScorePart(ScorePartKind.WORD, more, 0.0, rest)]


SLASHED_DATE = re.compile(
    r"(?<!\d)(?<!\d[/-])(\d{1,2})[/-](\d{1,2})[/-](\d{2}|\d{4})(?!\d)"
)  # dates with dots have one reading only
DATE_SOURCES = {
    DateSource.TEXT: Message("taken from its address or its text"),
    DateSource.FILE: Message("taken from the name of its file"),
}


def date_note(article: Article) -> str:
    """A note on an article's day; empty if the day is certain, or there is no written date."""
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
        case DateCertainty.DOUBTFUL if article.date_span:
            return Message("in the future when it was read")
        case DateCertainty.DOUBTFUL:
            return Message("no article can be of that day")
        case DateCertainty.NONE if article.date_written:
            return Message("no date is named")
        case DateCertainty.LIKELY:
            return DATE_SOURCES.get(article.date_source) or _day_reading(article)
    return ""


def _day_reading(article: Article) -> str:
    """How the written date was read."""
    found, day = SLASHED_DATE.search(article.date_written), article.published
    if day is None:
        return ""
    order = _order(int(found[1]), int(found[2]), int(found[3]), day) if found else ""
    if str(day.year) in article.date_written:
        return order or Message("the first of several days")
    if order:
        return Message("%(order)s and as of %(year)s", order=order, year=str(day.year))
    return Message("read as of %(year)s", year=str(day.year))


def _order(first: int, second: int, third: int, day: date) -> str:
    """Which of year, month and day was read first; empty if there is one reading only."""
    if (day.year % 100, day.day) == (first, third % 100) != (third % 100, first):
        return Message("read with the year first")
    if first == second or max(first, second) > 12:
        return ""
    if first == day.day:
        return Message("read with the day first")
    return Message("read with the month first")
