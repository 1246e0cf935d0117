"""Measures how well copies are told: `python -m scripts.copies DIR...`, of any articles."""

import random
from pathlib import Path

import click

from archive.article import Article
from archive.reading.fields import FieldMap
from archive.reading.inputs import Reading
from index.evaluation.folding import Told, half_of, pairs_of, precision_and_recall, told

SEED = 1


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--half", type=click.IntRange(0, 1), default=1, show_default=True)
@click.option("--sample", type=click.IntRange(2), default=500, show_default=True)
@click.option("--pairs", type=click.IntRange(0), default=0, help="Print so many real pairs.")
def main(paths: tuple[Path, ...], half: int, sample: int, pairs: int) -> None:
    """Edit a sample of the articles of each PATH and print which of the edited ones are folded.

    The constants of index/stories/copies.py were chosen on half 0. `--pairs` prints copies that the
    articles hold as they are, drawn by chance from both halves, to be judged by reading.
    """
    for path in paths:
        found = Reading([path], FieldMap())
        articles = [each for each in found if isinstance(each, Article)]
        click.echo(f"{path.name}: {len(articles)} articles")
        if pairs:
            _print_pairs(pairs_of(articles), pairs)
        else:
            _print_told(told(half_of(articles, half), sample))


def _print_told(found: list[Told]) -> None:
    for each in found:
        wanted = "copy" if each.is_copy else "not one"
        click.echo(f"  {each.kind:22} {wanted:8} {each.folded:5} of {each.made:5} folded")
    precision, recall = precision_and_recall(found)
    click.echo(f"  precision {precision:.3f}, recall {recall:.3f}")


def _print_pairs(found: list[tuple[Article, Article]], limit: int) -> None:
    click.echo(f"  {len(found)} copies")
    for lead, copy in random.Random(SEED).sample(found, min(limit, len(found))):
        for article in (lead, copy):
            opening = " ".join(article.text.split())[:300]
            click.echo(f"  {article.published} {article.source}: {article.title}\n      {opening}")
        click.echo()


if __name__ == "__main__":
    main()
