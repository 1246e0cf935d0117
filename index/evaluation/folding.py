"""Measures how well copies are told: of edited copies that were made, how many are folded."""

import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from archive.article import Article
from archive.batching import batches
from index.evaluation.edited import Edited, edited, reports
from index.stories.copies import group, link
from index.stories.signatures import SIGNATURE, sign

SEED = 1
SIGNED_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Told:
    """Of articles that were made in one way, how many were folded under what they were made of."""

    kind: str
    is_copy: bool
    made: int
    folded: int


def half_of(articles: Sequence[Article], half: int) -> list[Article]:
    """The articles of one half, 0 or 1, the same ones each time."""
    return [each for each in articles if zlib.crc32(each.id.encode()) % 2 == half]


def told(articles: Sequence[Article], sample: int) -> list[Told]:
    """Edit a sample of the articles, group all that was made with it, and count by kind."""
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
        found.append(Told(kind, not other, len(results), sum(results)))
    return found


def pairs_of(articles: Sequence[Article]) -> list[tuple[Article, Article]]:
    """The copies that an archive holds as it is, each with its lead, to be judged by reading."""
    leads = enumerate(_leads(articles))
    return [(articles[lead], articles[n]) for n, lead in leads if 0 <= lead != n]


def precision_and_recall(found: Sequence[Told]) -> tuple[float, float]:
    """Of what was folded, the share of copies; of the copies, the share that was folded."""
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
