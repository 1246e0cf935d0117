"""Measures how well copies are recognised: makes edited copies and counts how many are folded.

Run as `python -m backfile.scripts.bench.edited_copies PATH...`.
"""

import random
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path

import click
import numpy as np

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.article import Article, shortened
from backfile.archive.workers import batches
from backfile.index.duplicates.clustering import group, link
from backfile.index.duplicates.signatures import SIGNATURE, sign

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
    """Make every kind of copy and of lookalike of an article; `other` lends text to some."""
    made = [Edited(kind, True, edit(article, other, choose), article.id) for kind, edit in COPIES]
    for kind, edit in LOOKALIKES:
        if kind != "other figures" or len(set(NUMBER.findall(article.text))) >= MANY_NUMBERS:
            made.append(Edited(kind, False, edit(article, other, choose), article.id))
    return [
        replace(each, article=replace(each.article, id=f"{article.id}#{each.kind}"))
        for each in made
    ]


def reports(like: Article, choose: random.Random) -> list[Edited]:
    """Make reports on markets and weather of several days, each form from a template."""
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
    """Keep the first 60 to 90%, up to the end of a sentence if one is near."""
    text = article.text[: int(choose.uniform(0.6, 0.9) * len(article.text))]
    end = max(text.rfind(mark) for mark in (". ", ".\n", "? ", "! "))
    return replace(article, text=text[: end + 1] if end > 0.55 * len(article.text) else text)


def _added(article: Article, other: Article, choose: random.Random) -> Article:
    """Insert a paragraph of up to a fifth of the length between two others."""
    paragraphs = article.text.split("\n\n")
    new = other.text[: int(choose.uniform(0.05, 0.2) * len(article.text))]
    paragraphs.insert(choose.randint(0, len(paragraphs)), new)
    return replace(article, text="\n\n".join(paragraphs))


def _agency(article: Article, _: Article, choose: random.Random) -> Article:
    """Add a byline and a dateline before the text, and credits after it."""
    city, agency = choose.choice(("LANDING", "WEXMOOR")), choose.choice(("Northshore Wire", "NW"))
    text = f"By Hester Valk\n\n{city} ({agency}) — {article.text}"
    return replace(article, text=f"{text}\n\n(Reporting by Hester Valk; editing by Cary Umber)")


def _words(article: Article, _: Article, choose: random.Random, share: float = 0.03) -> Article:
    """Leave out, double or replace one word in 33."""
    words = re.split(r"(\s+)", article.text)
    for place in range(0, len(words), 2):
        if choose.random() < share:
            word = words[place]
            words[place] = choose.choice(("", f"{word} {word}", choose.choice(words[::2])))
    return replace(article, text="".join(words))


def _several(article: Article, other: Article, choose: random.Random) -> Article:
    """Change the headline, add a dateline, cut the end off, and change one word in 100."""
    changed = _words(_cut(article, other, choose), other, choose, 0.01)
    return _agency(_headline(changed, other, choose), other, choose)


def _figures(article: Article, _: Article, choose: random.Random) -> Article:
    """Make the same text of another day: change every number and every day of the week."""

    def another(found: re.Match[str]) -> str:
        return "".join(choose.choice("123456789") for _ in found[0])

    step = choose.randint(1, 6)
    text = NUMBER.sub(another, article.text)
    for day in DAYS:
        text = text.replace(day, f"\x00{DAYS[(DAYS.index(day) + step) % 7]}")
    return replace(article, title=NUMBER.sub(another, article.title), text=text.replace("\x00", ""))


def _event(article: Article, other: Article, choose: random.Random) -> Article:
    """Make another report of the event: mix a third of the sentences, like quotes, with others."""
    shared = SENTENCE_END.split(article.text)
    own = SENTENCE_END.split(other.text)
    kept = choose.sample(shared, max(1, int(choose.uniform(0.25, 0.4) * len(shared))))
    mixed = kept + choose.choices(own, k=max(1, len(shared) - len(kept)))
    choose.shuffle(mixed)
    return replace(article, title=other.title, text=" ".join(mixed))


def _boxed(article: Article, other: Article, choose: random.Random) -> Article:
    """Set half of the article into another one, as captions and boxes are."""
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


SEED = 1
SIGNED_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class FoldCount:
    """How many articles of one kind were made, and how many were folded with their original."""

    kind: str
    is_copy: bool
    made: int
    folded: int


def half_of(articles: Sequence[Article], half: int) -> list[Article]:
    """Select the articles of one half, 0 or 1; always the same ones."""
    return [each for each in articles if zlib.crc32(each.id.encode()) % 2 == half]


def count_folded(articles: Sequence[Article], sample: int) -> list[FoldCount]:
    """Edit a sample of the articles, cluster it with the edited ones, and count by kind."""
    choose = random.Random(SEED)
    chosen = choose.sample(list(articles), min(sample, len(articles)))
    made = [e for n, each in enumerate(chosen) for e in edited(each, chosen[n - 1], choose)]
    made += reports(chosen[0], choose)
    everything = [*chosen, *(each.article for each in made)]
    leads = _leads(everything)
    place = {article.id: n for n, article in enumerate(everything)}

    def folded(each: Edited) -> bool:
        lead: int = leads[place[each.article.id]]
        return (
            lead >= 0 and lead == leads[place[each.original]] and each.original != each.article.id
        )

    by_kind = sorted(made, key=lambda each: (not each.is_copy, each.kind))
    found = []
    for (other, kind), some in groupby(by_kind, key=lambda each: (not each.is_copy, each.kind)):
        results = [folded(each) for each in some]
        found.append(FoldCount(kind, not other, len(results), sum(results)))
    return found


def pairs_of(articles: Sequence[Article]) -> list[tuple[Article, Article]]:
    """List the copies among these articles, each as (lead, copy), to be judged by reading."""
    leads = enumerate(_leads(articles))
    return [(articles[lead], articles[n]) for n, lead in leads if 0 <= lead != n]


def precision_and_recall(found: Sequence[FoldCount]) -> tuple[float, float]:
    """Precision: the copies among the folded ones. Recall: the folded ones among the copies."""
    right = sum(each.folded for each in found if each.is_copy)
    folded = sum(each.folded for each in found)
    copies = sum(each.made for each in found if each.is_copy)
    return right / max(1, folded), right / max(1, copies)


def _leads(articles: Sequence[Article]) -> list[int]:
    signed = b"".join(one for some in batches(articles, SIGNED_AT_ONCE) for one in sign(some))
    found: list[int] = group(
        link(np.frombuffer(signed, SIGNATURE)), np.arange(len(articles))
    ).tolist()
    return found


DRAW_SEED = 1


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--half", type=click.IntRange(0, 1), default=1, show_default=True)
@click.option("--sample", type=click.IntRange(2), default=500, show_default=True)
@click.option("--pairs", type=click.IntRange(0), default=0, help="Print so many real pairs.")
def main(paths: tuple[Path, ...], half: int, sample: int, pairs: int) -> None:
    """Edit a sample of the articles of each PATH and count how many edited ones are folded.

    The constants of index/duplicates were chosen on half 0. --pairs prints real copies instead,
    drawn at random from both halves, to be judged by reading.
    """
    for path in paths:
        found = Reading([path], FieldMap())
        articles = [each for each in found if isinstance(each, Article)]
        click.echo(f"{path.name}: {len(articles)} articles")
        if pairs:
            _print_pairs(pairs_of(articles), pairs)
        else:
            _print_counts(count_folded(half_of(articles, half), sample))


def _print_counts(found: list[FoldCount]) -> None:
    for each in found:
        wanted = "copy" if each.is_copy else "not one"
        click.echo(f"  {each.kind:22} {wanted:8} {each.folded:5} of {each.made:5} folded")
    precision, recall = precision_and_recall(found)
    click.echo(f"  precision {precision:.3f}, recall {recall:.3f}")


def _print_pairs(found: list[tuple[Article, Article]], limit: int) -> None:
    click.echo(f"  {len(found)} copies")
    for lead, copy in random.Random(DRAW_SEED).sample(found, min(limit, len(found))):
        for article in (lead, copy):
            opening = " ".join(article.text.split())[:300]
            click.echo(f"  {article.published} {article.source}: {article.title}\n      {opening}")
        click.echo()


if __name__ == "__main__":
    main()
