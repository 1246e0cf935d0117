"""Measures how well articles are extracted from web pages.

Run as `python -m backfile.scripts.bench.extraction DIR`.
"""

import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import click

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.model.article import Article

RUN = 4  # words that are compared together
WORD = re.compile(r"\w+")


class Shares(NamedTuple):
    """Shares of the runs of words of one page, which add up to 1.

    `right` ones are in both texts, `wrong` ones only in what was extracted, `missed` ones only in
    the article.
    """

    right: float
    wrong: float
    missed: float


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--worst", type=click.IntRange(0), default=0, help="Name so many of the worst pages.")
def main(folder: Path, worst: int) -> None:
    """Compare the text that is extracted from the pages in FOLDER with the article in them.

    FOLDER holds html/ID.html.gz and ground-truth.json, {ID: {"articleBody": …, "url": …}}. The
    measure is that of Zyte's article extraction benchmark: runs of four words, each counted as
    often as it occurs; all pages have the same weight.
    """
    truth = json.loads((folder / "ground-truth.json").read_text())
    shares: dict[str, Shares] = {}
    fields: Counter[str] = Counter()
    began = time.process_time()
    for name, page in truth.items():
        file = SourceFile.at(folder / "html" / f"{name}.html.gz", name)
        found = [each for each in read_file(file, FieldMap()) if isinstance(each, Article)]
        shares[name] = compared(page["articleBody"], found[0].text if found else "")
        fields.update(name for article in found for name in _filled(article))
    took = time.process_time() - began
    right, wrong, missed = (sum(each) for each in zip(*shares.values(), strict=True))
    precision, recall = right / (right + wrong), right / (right + missed)
    f1 = 2 * precision * recall / (precision + recall)
    click.echo(f"{len(truth)} pages: F1 {f1:.3f}, precision {precision:.3f}, recall {recall:.3f}")
    click.echo(f"{len(truth) / took:.0f} pages a second of processor time")
    click.echo(", ".join(f"{name} {count}" for name, count in fields.most_common()))
    for name in sorted(shares, key=lambda name: shares[name].right)[:worst]:
        click.echo(f"  {shares[name].right:.2f} {truth[name]['url']}")


def compared(wanted: str, found: str) -> Shares:
    """Compare two texts by their runs of words.

    >>> compared("The ferry stops in May.", "The ferry stops in May. Share")
    Shares(right=0.6666666666666666, wrong=0.3333333333333333, missed=0.0)
    """
    wanted_runs, found_runs = _runs(wanted), _runs(found)
    right = (wanted_runs & found_runs).total()
    wrong = (found_runs - wanted_runs).total()
    missed = (wanted_runs - found_runs).total()
    every = right + wrong + missed
    return Shares(right / every, wrong / every, missed / every) if every else Shares(1, 0, 0)


def _runs(text: str) -> Counter[tuple[str, ...]]:
    words = WORD.findall(text)
    starts = range(max(1, len(words) - RUN + 1)) if words else ()
    return Counter(tuple(words[start : start + RUN]) for start in starts)


def _filled(article: Article) -> list[str]:
    names = ("given_title", "published", "source", "section", "authors", "language", "url")
    return [name.removeprefix("given_") for name in names if getattr(article, name)]


if __name__ == "__main__":
    main()
