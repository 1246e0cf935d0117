"""Measures inexact quotes: sentences of the archive with no, one or two words altered.

Run as `python -m backfile.scripts.bench.quotes --archive DIR`.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import click
import numpy as np

from backfile.archive.model.article import Article
from backfile.archive.model.settings import Settings
from backfile.archive.store.catalog import Catalog, StoredPassage
from backfile.index.lexical.analysis.analyser import cut_text
from backfile.index.lexical.analysis.word_delimiter import WORD
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.query import Query
from backfile.index.search.searcher import Searcher
from backfile.index.wiring import open_engines, searcher_over
from backfile.scripts.commands.options import with_settings

SHORTEST, LONGEST = 8, 20  # words of a quote
WITHIN = 10  # hits
ENDINGS = ("ing", "ed", "es", "s")
Alteration = Callable[[list[str], int, str], list[str]]


class Quote(NamedTuple):
    """Words of one sentence of an article, as they are written there."""

    article: str
    words: tuple[str, ...]


@click.command()
@click.option("--quotes", type=int, default=500, show_default=True, help="How many to draw.")
@click.option("--seed", type=int, default=29, show_default=True)
@with_settings
def quotes(settings: Settings, quotes: int, seed: int) -> None:
    """Search for quotes of the archive: as they are, and with one and two words altered."""
    engines = open_engines(settings)
    searcher = searcher_over(engines, settings)
    drawn = list(islice(draw(engines.catalog, random.Random(seed)), quotes))
    others = [word for quote in drawn for word in quote.words]
    for altered in (0, 1, 2):
        choose = random.Random(seed + altered)
        report(altered, searcher, drawn, [alter(q.words, altered, others, choose) for q in drawn])


def draw(catalog: Catalog, choose: random.Random) -> Iterator[Quote]:
    """Draw quotes from random passages; each from another passage."""
    table = ArticleTable.load(catalog, catalog.generation())
    rows = np.flatnonzero(table.alive).tolist()
    choose.shuffle(rows)
    for row in rows:
        for stored in catalog.stored([row]):
            found = list(_sentences(stored))
            if found:
                words = choose.choice(found)
                length = choose.randint(SHORTEST, min(LONGEST, len(words)))
                begin = choose.randint(0, len(words) - length)
                yield Quote(stored.article.id, tuple(words[begin : begin + length]))


def _sentences(stored: StoredPassage) -> Iterator[list[str]]:
    """The words of each sentence that is long enough."""
    for sentence in cut_text(stored.passage.text, stored.article.language).sentences:
        words = WORD.findall(sentence)
        if len(words) >= SHORTEST:
            yield words


def replaced(words: list[str], at: int, other: str) -> list[str]:
    return [*words[:at], other, *words[at + 1 :]]


def deleted(words: list[str], at: int, _: str) -> list[str]:
    return words[:at] + words[at + 1 :]


def inserted(words: list[str], at: int, other: str) -> list[str]:
    return [*words[:at], other, *words[at:]]


def swapped(words: list[str], at: int, _: str) -> list[str]:
    at = min(at, len(words) - 2)
    return [*words[:at], words[at + 1], words[at], *words[at + 2 :]]


def inflected(words: list[str], at: int, _: str) -> list[str]:
    """Take an ending from a word, or give it one."""
    word = words[at]
    ending = next((each for each in ENDINGS if word.endswith(each) and len(word) > 5), "")
    return replaced(words, at, word.removesuffix(ending) if ending else f"{word}s")


ALTERATIONS: tuple[Alteration, ...] = (replaced, deleted, inserted, swapped, inflected)


def alter(
    words: Sequence[str], times: int, others: Sequence[str], choose: random.Random
) -> list[str]:
    """Alter as many words: each is replaced, left out, inflected, swapped, or follows a new one."""
    altered = list(words)
    for at in choose.sample(range(len(words) - times), times):
        altered = choose.choice(ALTERATIONS)(altered, at, choose.choice(others))
    return altered


def report(
    altered: int, searcher: Searcher, drawn: Sequence[Quote], typed: Sequence[list[str]]
) -> None:
    """Print how often an article with the quote comes first, and is among the first hits."""
    first = within = relaxed = 0
    took = []
    for quote, words in zip(drawn, typed, strict=True):
        found = searcher.search(Query(f'"{" ".join(words)}"', limit=WITHIN))
        places = [place for place, hit in enumerate(found.hits) if holds(hit.article, quote)]
        first += places[:1] == [0]
        within += bool(places)
        relaxed += found.relaxed is not None
        took.append(found.took_ms["all"])
    n = len(drawn)
    click.echo(
        f"{altered} words altered: right article first {first / n:.1%}, among {WITHIN} "
        f"{within / n:.1%}; relaxed {relaxed / n:.1%}; "
        f"{np.median(took):.0f} ms, 95th percentile {np.percentile(took, 95):.0f} ms"
    )


def holds(article: Article, quote: Quote) -> bool:
    """Whether it is the article of a quote, or another one with the same words, as a copy has."""
    words = f" {' '.join(WORD.findall(article.text))} ".casefold()
    return article.id == quote.article or f" {' '.join(quote.words)} ".casefold() in words


if __name__ == "__main__":
    quotes()
