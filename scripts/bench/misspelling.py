"""Measures spelling correction: the right word for a misspelt one, and no word for a correct one.

Run as `python -m backfile.scripts.bench.misspelling [QUERIES.tsv...] --archive DIR`.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import click

from backfile.archive.model.settings import Settings
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.lexical.spelling.spellings import Spelling, Spellings
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.query import Mode, Query
from backfile.index.search.searcher import Searcher
from backfile.index.wiring import open_engines, searcher_over
from backfile.scripts.commands.options import with_settings

LETTERS = "abcdefghijklmnopqrstuvwxyz"
RARE = 3  # occurrences, at most
SHORTEST = 4  # letters of a word to misspell


@click.command()
@click.argument("files", type=click.Path(path_type=Path, exists=True), nargs=-1)
@click.option("--words", type=int, default=1_000, show_default=True, help="How many to misspell.")
@with_settings
def misspelling(settings: Settings, files: tuple[Path, ...], words: int) -> None:
    """Misspell words of the archive, and search for the queries of FILES (id, tab, text)."""
    engines = open_engines(settings)
    searcher = searcher_over(engines, settings)
    table = ArticleTable.load(engines.catalog, engines.catalog.generation())
    spellings = LexicalSearch(engines.lexical.snapshot(), table).own_spellings()
    choose = random.Random(7)
    every = [each for each in spellings.beginning("") if is_plain(each.text)]
    common = [each for each in every if each.frequency > RARE]
    for name, some in (("any word", every), (f"words with more than {RARE} occurrences", common)):
        report(name, searcher, spellings, Languages.of(table.languages), choose.sample(some, words))
    rare = [each for each in every if each.frequency <= RARE]
    offered = sum(meant(searcher, each.text) != "" for each in choose.sample(rare, words))
    click.echo(f"right rare words, alone: {offered / words:.1%} are offered another")
    for path in files:
        texts = [line.split("\t", 1)[-1] for line in path.read_text().splitlines() if line]
        found = [(text, other) for text in texts if (other := meant(searcher, text))]
        click.echo(f"{path.parent.name}: {len(found)} of {len(texts)} queries are offered another")
        for text, other in found:
            click.echo(f"  {text} -> {other}")


def report(
    name: str, searcher: Searcher, spellings: Spellings, languages: Languages, words: list[Spelling]
) -> None:
    """Misspell each word once, and print how often a word, and the right one, is offered."""
    choose = random.Random(11)
    right = same = offered = nowhere = 0
    for word in words:
        typed = next(each for each in misspelt(word.text, choose) if each != word.text)
        known = spellings.near(typed, 0)
        nowhere += not known
        other = meant(searcher, typed).casefold()
        offered += bool(other)
        right += other == word.written.casefold()
        same += bool(set(languages.terms(other)) & set(languages.terms(word.text))) if other else 0
    click.echo(
        f"{name}, one mistake in each: {nowhere / len(words):.1%} are nowhere, "
        f"{offered / len(words):.1%} are offered another word, {right / len(words):.1%} the right "
        f"one, {same / len(words):.1%} that or another form of it"
    )


def meant(searcher: Searcher, text: str) -> str:
    found = searcher.search(Query(text, mode=Mode.KEYWORD, limit=1)).did_you_mean
    return found.text if found else ""


def misspelt(word: str, choose: random.Random) -> Iterator[str]:
    """Yield random misspellings: a letter is left out, inserted or changed, or two are swapped."""
    while True:
        at = choose.randrange(len(word))
        letter = choose.choice(LETTERS)
        yield choose.choice(
            [
                word[:at] + word[at + 1 :],
                word[:at] + letter + word[at:],
                word[:at] + letter + word[at + 1 :],
                word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
            ]
        )


def is_plain(word: str) -> bool:
    return len(word) >= SHORTEST and word.isascii() and word.isalpha()


if __name__ == "__main__":
    misspelling()
