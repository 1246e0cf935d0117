"""Says what was found in words that page and shell have in common, as messages."""

from collections.abc import Sequence

from archive.message import Message
from index.query import Copies
from index.results import Part, PartKind, Results

MOST_PARTS = 8  # of a score that are shown one by one


def total_in_words(results: Results) -> Message:
    """How much was found: `12 stories, 17 articles`, or the articles alone where none is a copy."""
    totals = results.totals
    articles = articles_in_words(totals.articles)
    if totals.stories == totals.articles:
        return articles
    stories = Message.counted("%(number)s story", "%(number)s stories", totals.stories)
    if results.query.copies is Copies.FOLD:
        return Message("%(stories)s, %(articles)s", stories=stories, articles=articles)
    return Message("%(articles)s, %(stories)s", stories=stories, articles=articles)


def articles_in_words(number: int) -> Message:
    """Write how many articles."""
    return Message.counted("%(number)s article", "%(number)s articles", number)


def copies_in_words(number: int) -> Message:
    """Write how many copies."""
    return Message.counted("%(number)s copy", "%(number)s copies", number)


def part_name(part: Part) -> str:
    """Name a part of a score."""
    match part.kind:
        case PartKind.MEANING:
            return Message("closeness in meaning")
        case PartKind.ASSUMED:
            return Message("closeness in meaning, assumed")
        case PartKind.PASSAGE:
            place = int(part.text.rpartition(":")[2]) + 1
            return Message("a share of passage %(place)s", place=place)
        case PartKind.COPY:
            return Message("a copy that answers better")
        case PartKind.RERANKED:
            return Message("read together with the question")
    return part.text


def strongest(parts: Sequence[Part]) -> list[Part]:
    """Keep the parts that add most; the others become one."""
    ordered = sorted(parts, key=lambda part: -part.score)
    if len(ordered) <= MOST_PARTS:
        return ordered
    kept, others = ordered[: MOST_PARTS - 1], ordered[MOST_PARTS - 1 :]
    rest = sum(part.score for part in others)
    more = Message.counted("%(number)s more", "%(number)s more", len(others))
    return [*kept, Part(PartKind.WORD, more, 0.0, rest)]
