"""Options of evaluate that vary one thing of hybrid search each, as further rows of its tables."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import wraps
from pathlib import PurePath
from typing import Any

import click

from backfile.archive.passages import PassageOptions
from backfile.index.evaluation.systems import System
from backfile.scripts.commands.options import Command


@dataclass(frozen=True, slots=True)
class Ablations:
    """The values to try of each option."""

    vector_weight: tuple[float, ...] = ()
    floor: tuple[float, ...] = ()
    passage_share: tuple[float, ...] = ()
    passage_tokens: tuple[int, ...] = ()
    no_title: bool = False
    reranker: tuple[str, ...] = ()

    def of(self, usual: System) -> Iterator[System]:
        """Vary the usual system, by one thing at a time."""
        ranking = usual.ranking
        for weight in self.vector_weight:
            varied = replace(ranking, vector_weight=weight)
            yield replace(usual, name=f"vector weight {weight:g}", ranking=varied)
        for floor in self.floor:
            yield replace(usual, name=f"floor {floor:g}", ranking=replace(ranking, floor=floor))
        for share in self.passage_share:
            varied = replace(ranking, passage_share=share)
            yield replace(usual, name=f"passage share {share:g}", ranking=varied)
        for tokens in self.passage_tokens:
            passages = PassageOptions(tokens=tokens)
            yield replace(usual, name=f"passages of {tokens}", passages=passages)
        if self.no_title:
            yield replace(usual, name="no title", passages=PassageOptions(titled=False))
        for model in self.reranker:
            name = f"reranked by {PurePath(model).name}"
            yield replace(usual, name=name, reranker=model)


def with_ablations(command: Command) -> Command:
    """Add the options, which the command gets as `ablations`."""

    @click.option(
        "--vector-weight",
        type=click.FloatRange(0, 1),
        multiple=True,
        metavar="W",
        help="Try this share of meaning, 0 to 1, too; may be repeated, as the next three may.",
    )
    @click.option(
        "--floor",
        type=click.FloatRange(-1, 1),
        multiple=True,
        metavar="F",
        help="Try this floor, a cosine, too.",
    )
    @click.option(
        "--passage-share",
        type=click.FloatRange(0, 1),
        multiple=True,
        metavar="S",
        help="Try adding this share of an article's next two passages to its best one's score.",
    )
    @click.option(
        "--passage-tokens",
        type=click.IntRange(min=16),
        multiple=True,
        metavar="N",
        help="Try passages of about N tokens too, in a temporary archive.",
    )
    @click.option(
        "--no-title", is_flag=True, help="Try passages embedded without title, in another one."
    )
    @click.option(
        "--reranker",
        multiple=True,
        metavar="MODEL",
        help="Have the first 30 hits read again by this CrossEncoder, in whatever time it takes.",
    )
    @wraps(command)
    def run(**options: Any) -> Any:
        ours = {each.name: options.pop(each.name) for each in fields(Ablations)}
        return command(ablations=Ablations(**ours), **options)

    return run
