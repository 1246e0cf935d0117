"""Compares what was typed with the names of outlets, sections and authors: equal, or near."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np

from backfile.archive.model.message import Message
from backfile.index.lexical.analysis.analyser import name_words
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.category import (
    NO_NAMES,
    Category,
    CountedValues,
    MergedValues,
    bare_name,
    commonest_spelling,
)
from backfile.index.model.expression import Field
from backfile.index.model.filtering import NO_KNOWN, KnownNames
from backfile.index.model.filters import Filters
from backfile.index.model.matches import Matches
from backfile.index.model.whole import UNDIVIDED, Stage, Whole, any_of_each

NAMED = (Field.SOURCE, Field.SECTION, Field.AUTHOR)
MOST_NEAR = 3
LIKE = 75  # of 100: how much of two names must be alike
SHORTEST = 3  # letters of the beginning of a name


class Mention(NamedTuple):
    """A name of the archive in a text: the kind, the name, and the words that it covers."""

    kind: Field
    name: str
    first: int
    end: int


def mentions(
    words: Sequence[str], table: ArticleTable, whole: Whole = UNDIVIDED
) -> Callable[[], Sequence[Mention]]:
    """The outlets, sections and authors whose whole names are among these words, when asked for.

    A shard gives its own at once.
    """
    own = list(_own_mentions(words, table))
    if not whole.is_divided:
        return lambda: own
    given = whole.reduced(
        [(each, getattr(table, each.kind.value).spellings_of(each.name)) for each in own],
        _mentions_of_all,
    )
    return given.value


def _mentions_of_all(
    shards: Sequence[Sequence[tuple[Mention, Mapping[str, int]]]],
) -> list[Mention]:
    found: dict[tuple[Field, str], Mention] = {}
    spellings: dict[tuple[Field, str], Counter[str]] = {}
    for each, counts in chain.from_iterable(shards):
        key = each.kind, each.name.casefold()
        found[key] = each
        spellings.setdefault(key, Counter()).update(counts)
    return [
        found[key]._replace(name=commonest_spelling(spellings[key]))
        for key in sorted(found, key=lambda key: (NAMED.index(key[0]), min(spellings[key])))
    ]


def _own_mentions(words: Sequence[str], table: ArticleTable) -> Iterator[Mention]:
    typed = [name_words(word) for word in words]
    for kind in NAMED:
        category: Category = getattr(table, kind.value)
        called = category.once(_called)
        found: dict[int, tuple[bool, int, int]] = {}  # the first place of each name
        for first in range(len(typed)):
            for end in range(first + 1, len(typed) + 1):
                parts = " ".join(chain.from_iterable(typed[first:end]))
                for is_stem, number in called.get(parts, ()):
                    place = is_stem, first, end
                    found[number] = min(found.get(number, place), place)
        for number, (_, first, end) in sorted(found.items()):
            yield Mention(kind, category.names[number], first, end)


def _called(names: tuple[str, ...]) -> Mapping[str, Sequence[tuple[bool, int]]]:
    """The numbers of the names that are called so: as they are, or, True, without `.com`."""
    called: dict[str, list[tuple[bool, int]]] = {}
    for number, name in enumerate(names):
        bare = bare_name(name)
        stem = bare.rpartition(".")[0] if " " not in bare else ""
        for is_stem, each in enumerate(map(_parts, (bare, stem))):
            if each:
                called.setdefault(each, []).append((bool(is_stem), number))
    return called


@lru_cache(maxsize=1 << 15)
def _parts(name: str) -> str:
    return " ".join(name_words(name))


def missing_names(
    filters: Filters,
    matches: Matches,
    table: ArticleTable,
    known: KnownNames = NO_KNOWN,
    whole: Whole = UNDIVIDED,
) -> Stage[list[Message]]:
    """A note for each outlet, section and author that is asked for and not there.

    In a shard, names that are `known` to the whole are taken as they are.
    """
    asked = [
        (kind, name, getattr(table, kind.value).holding([name], known.get(kind.value, NO_NAMES)))
        for kind in NAMED
        for name in getattr(filters, kind.value)
    ]
    asked += [
        (each.leaf.field, each.leaf.text, each.articles)
        for each in matches.leaves
        if each.leaf.field in NAMED
    ]
    if not asked:
        return []
    there = np.array([mask.any() for _, _, mask in asked], np.bool_)
    given = whole.reduced(there, any_of_each)
    yield
    found = [asked[i][:2] for i in np.flatnonzero(~given.value()).tolist()]
    return [_missing(kind, name, table, whole) for kind, name in dict.fromkeys(found)]


def _missing(kind: Field, name: str, table: ArticleTable, whole: Whole) -> Message:
    names: Category = getattr(table, kind.value)
    near = ", ".join(f"{each} ({count:,})" for each, count in near_names(names, name, whole))
    match kind, bool(near):
        case Field.SOURCE, True:
            return Message("no outlet is called %(name)s. Near: %(near)s", name=name, near=near)
        case Field.SOURCE, False:
            return Message("no outlet is called %(name)s", name=name)
        case Field.SECTION, True:
            return Message("no section is called %(name)s. Near: %(near)s", name=name, near=near)
        case Field.SECTION, False:
            return Message("no section is called %(name)s", name=name)
        case _, True:
            return Message("no author is called %(name)s. Near: %(near)s", name=name, near=near)
    return Message("no author is called %(name)s", name=name)


def _articles_by_name(shards: Sequence[CountedValues]) -> dict[str, int]:
    return dict(MergedValues(shards, {}).pairs())


def near_names(category: Category, typed: str, whole: Whole = UNDIVIDED) -> list[tuple[str, int]]:
    """The names that begin so, then those that are spelt alike, with their articles."""
    from rapidfuzz import process

    every = np.ones(category.n_articles, np.bool_)
    if whole.is_divided:
        counts = whole.reduced(category.values(every), _articles_by_name).value()
        names = sorted(counts)
    else:
        counts = category.counts(every)
        names = [name for name in category.names if counts[name]]
    bare = {name: " ".join(name_words(bare_name(name))) for name in names}
    wanted = " ".join(name_words(bare_name(typed)))
    begun = [name for name in names if len(wanted) >= SHORTEST and f" {wanted}" in f" {bare[name]}"]
    begun.sort(key=lambda name: (-counts[name], name))
    alike = process.extract(wanted, bare, scorer=_likeness, score_cutoff=LIKE, limit=MOST_NEAR)
    found = dict.fromkeys([*begun, *(name for _, _, name in alike)])
    return [(name, counts[name]) for name in list(found)[:MOST_NEAR]]


def _likeness(wanted: str, name: str, *, score_cutoff: float | None = None) -> float:
    """How like a name is, 0 to 100: the whole of it, or one of its words."""
    from rapidfuzz import fuzz

    parts = (name, *name.split())
    return max(fuzz.ratio(wanted, part, score_cutoff=score_cutoff) for part in parts)
