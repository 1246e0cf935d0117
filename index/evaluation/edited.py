"""Makes edited copies of articles, and articles that only look like copies, to measure folding."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from archive.article import Article, shortened

SENTENCE_END = re.compile(r"(?<=[.!?”\"])\s+")
NUMBER = re.compile(r"\d+")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MANY_NUMBERS = 5  # distinct ones, from which on an article can be a template of numbers
REPORTS = (
    "Shares on the {p} exchange closed {w} on {d}, at {n}, after {n} million of them changed "
    "hands. The index of the largest companies has moved by {n} points since {d}. Gold was {w} at "
    "{n} an ounce, a barrel of oil {w} at {n}. Analysts had expected {n}. Trading resumes at {n} "
    "tomorrow, and figures on employment are due at {n}.",
    "Tomorrow will be {s} over {p}, with a high of {n} degrees and a low of {n}. Winds from the "
    "west reach {n} kilometres an hour, and gusts {n}. There is a chance of {n} percent of rain in "
    "the afternoon. The sun rises at {n} and sets at {n}. High water is at {n}. The outlook for "
    "{d}: {s}, with a high of {n} degrees and a low of {n}.",
)
REPORT_DAYS = 5
PLACE = re.compile(r"\{\w\}")
OPTIONS = {
    "{d}": DAYS,
    "{p}": ("Wexmoor", "Landing", "Harrow Bay", "Fernhill"),
    "{w}": ("higher", "lower", "little changed", "mixed"),
    "{s}": ("sunny", "cloudy", "wet", "windy", "foggy"),
}


@dataclass(frozen=True, slots=True)
class Edited:
    """An article made of another, and whether it is still a copy of that."""

    kind: str
    is_copy: bool
    article: Article
    original: str  # its id


Edit = Callable[[Article, Article, random.Random], Article]


def edited(article: Article, other: Article, choose: random.Random) -> list[Edited]:
    """Make every kind of copy of an article, and every kind that is none; `other` gives text."""
    made = [Edited(kind, True, edit(article, other, choose), article.id) for kind, edit in COPIES]
    for kind, edit in LOOKALIKES:
        if kind != "other figures" or len(set(NUMBER.findall(article.text))) >= MANY_NUMBERS:
            made.append(Edited(kind, False, edit(article, other, choose), article.id))
    return [
        replace(each, article=replace(each.article, id=f"{article.id}#{each.kind}"))
        for each in made
    ]


def reports(like: Article, choose: random.Random) -> list[Edited]:
    """Reports on markets and weather of several days, each form from a template of our own."""
    made = []
    for n, template in enumerate(REPORTS):
        first = f"report {n}.0"
        for day in range(REPORT_DAYS):
            text = PLACE.sub(partial(_value, choose), template)
            article = replace(like, id=f"report {n}.{day}", title=f"Report {n}", text=text)
            made.append(Edited("a report's form", False, article, first))
    return made


def _value(choose: random.Random, found: re.Match[str]) -> str:
    options = OPTIONS.get(found[0])
    return choose.choice(options) if options else str(choose.randint(2, 990))


def _headline(article: Article, _: Article, __: random.Random) -> Article:
    sentences = SENTENCE_END.split(article.text)
    return replace(article, title=shortened(sentences[len(sentences) // 2]))


def _cut(article: Article, _: Article, choose: random.Random) -> Article:
    """The first 60 to 90%, to the end of a sentence where one is near."""
    text = article.text[: int(choose.uniform(0.6, 0.9) * len(article.text))]
    end = max(text.rfind(mark) for mark in (". ", ".\n", "? ", "! "))
    return replace(article, text=text[: end + 1] if end > 0.55 * len(article.text) else text)


def _added(article: Article, other: Article, choose: random.Random) -> Article:
    """A paragraph of up to a fifth of the length, somewhere between two others."""
    paragraphs = article.text.split("\n\n")
    new = other.text[: int(choose.uniform(0.05, 0.2) * len(article.text))]
    paragraphs.insert(choose.randint(0, len(paragraphs)), new)
    return replace(article, text="\n\n".join(paragraphs))


def _agency(article: Article, _: Article, choose: random.Random) -> Article:
    """A dateline before it, and who reported and edited after it."""
    city, agency = choose.choice(("LANDING", "WEXMOOR")), choose.choice(("Northshore Wire", "NW"))
    text = f"By Hester Valk\n\n{city} ({agency}) — {article.text}"
    return replace(article, text=f"{text}\n\n(Reporting by Hester Valk; editing by Cary Umber)")


def _words(article: Article, _: Article, choose: random.Random, share: float = 0.03) -> Article:
    """One word in 33 left out, doubled, or replaced by another of the article's."""
    words = re.split(r"(\s+)", article.text)
    for place in range(0, len(words), 2):
        if choose.random() < share:
            word = words[place]
            words[place] = choose.choice(("", f"{word} {word}", choose.choice(words[::2])))
    return replace(article, text="".join(words))


def _several(article: Article, other: Article, choose: random.Random) -> Article:
    """Another headline and a dateline, cut short, and one word in 100 changed."""
    changed = _words(_cut(article, other, choose), other, choose, 0.01)
    return _agency(_headline(changed, other, choose), other, choose)


def _figures(article: Article, _: Article, choose: random.Random) -> Article:
    """The same text on another day: every number is another one, every day of the week too."""

    def another(found: re.Match[str]) -> str:
        return "".join(choose.choice("123456789") for _ in found[0])

    step = choose.randint(1, 6)
    text = NUMBER.sub(another, article.text)
    for day in DAYS:
        text = text.replace(day, f"\x00{DAYS[(DAYS.index(day) + step) % 7]}")
    return replace(article, title=NUMBER.sub(another, article.title), text=text.replace("\x00", ""))


def _event(article: Article, other: Article, choose: random.Random) -> Article:
    """Another report of the event: a third of the sentences, as quotes are, among others."""
    shared = SENTENCE_END.split(article.text)
    own = SENTENCE_END.split(other.text)
    kept = choose.sample(shared, max(1, int(choose.uniform(0.25, 0.4) * len(shared))))
    mixed = kept + choose.choices(own, k=max(1, len(shared) - len(kept)))
    choose.shuffle(mixed)
    return replace(article, title=other.title, text=" ".join(mixed))


def _boxed(article: Article, other: Article, choose: random.Random) -> Article:
    """Another article into which half of this one is set, as captions and boxes are."""
    length = len(article.text)
    own = (other.text * (1 + length // max(1, len(other.text))))[: int(0.5 * length)]
    box = article.text[int(choose.uniform(0.4, 0.6) * length) :]
    return replace(article, title=other.title, text=f"{own}\n\n{box}")


COPIES: tuple[tuple[str, Edit], ...] = (
    ("another headline", _headline),
    ("cut to 60-90%", _cut),
    ("a paragraph added", _added),
    ("agency lines", _agency),
    ("3% of words changed", _words),
    ("several of these", _several),
)
LOOKALIKES: tuple[tuple[str, Edit], ...] = (
    ("other figures", _figures),
    ("the same event", _event),
    ("a common box", _boxed),
)
