"""A column of an article table with any number of names for each article: outlet, people."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
import numpy.typing as npt

from backfile.index.model.arrays import Bools, Ints, Rows

FEW = 0.1  # of all articles
NO_NAMES: AbstractSet[str] = frozenset()
T = TypeVar("T")


def bare_name(name: str) -> str:
    """A name in lower case without `www.`

    >>> bare_name("www.CNN.com")
    'cnn.com'
    """
    return name.casefold().removeprefix("www.")


def commonest_first(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Names by how often they occur; of equals the first by the alphabet, and the empty one last.

    >>> commonest_first({"en": 2, "": 5, "de": 2})
    ('', 'de', 'en')
    """
    return tuple(sorted(counts, key=lambda name: (-counts[name], not name, name)))


class Spelt(NamedTuple):
    """What articles say, as they spell it: article `owners[i]` says `spellings[numbers[i]]`.

    `spellings` ascend, and each is used; `owners` ascend. So equal articles give equal arrays,
    whatever order they came in.
    """

    spellings: tuple[str, ...]
    numbers: Ints
    owners: Ints

    @classmethod
    def of(cls, values: Sequence[Sequence[str]], owners: Ints) -> Self:
        """Encode the values of articles, whose ordinals are `owners`; ignore empty strings."""
        named = [[name for name in names if name] for names in values]
        spellings = tuple(sorted({name for names in named for name in names}))
        number_of = {name: number for number, name in enumerate(spellings)}
        return cls(
            spellings,
            np.array([number_of[name] for names in named for name in names], np.int32),
            np.repeat(owners, np.fromiter(map(len, named), np.int64, len(named))),
        )

    def joined(self, other: "Spelt") -> "Spelt":
        """What the articles of both say; they share none."""
        if not len(other.numbers):
            return self
        spellings = tuple(sorted({*self.spellings, *other.spellings}))
        number_of = {name: number for number, name in enumerate(spellings)}
        parts = [
            np.array([number_of[name] for name in each.spellings], np.int32)[each.numbers]
            for each in (self, other)
        ]
        owners = np.concatenate([self.owners, other.owners])
        order = np.argsort(owners, kind="stable")
        return Spelt(spellings, np.concatenate(parts)[order], owners[order])

    def moved(self, ordinals: Ints) -> "Spelt":
        """What is left where article i becomes `ordinals[i]`, ascending; -1 removes it."""
        owners = ordinals[self.owners]
        kept = owners >= 0
        numbers = self.numbers[kept]
        used = np.zeros(len(self.spellings), np.bool_)
        used[numbers] = True
        if used.all():
            return self._replace(numbers=numbers, owners=owners[kept])
        spellings = tuple(self.spellings[i] for i in np.flatnonzero(used).tolist())
        places = (np.cumsum(used) - 1).astype(np.int32)
        return Spelt(spellings, places[numbers], owners[kept])


class CountedValues(NamedTuple):
    """Names of one shard, (n,) each: their articles, and how often all its articles spell it so.

    `others` are the other spellings, of the few names that have any. Arrays are sent in a fifth of
    the bytes of an object for each name.
    """

    names: Sequence[str]
    articles: Ints
    spelt: Ints
    others: Mapping[str, Mapping[str, int]]


class MergedValues:
    """The values of all shards, by name without case, less what several of them count.

    An archive has more people than can be named in each search, so only those that are asked for
    are spelt: as they are most often; of equals, the first by the alphabet.
    """

    def __init__(self, shards: Sequence[CountedValues], less: Mapping[str, int]) -> None:
        self._shards = shards
        self._keys = [[name.casefold() for name in shard.names] for shard in shards]
        counts: dict[str, int] = {}
        for keys, shard in zip(self._keys, shards, strict=True):
            if counts:
                for key, articles in zip(keys, shard.articles.tolist(), strict=True):
                    counts[key] = counts.get(key, 0) + articles
            else:
                counts = dict(zip(keys, shard.articles.tolist(), strict=True))
        for key, count in less.items():
            counts[key] = counts.get(key, 0) - count
        self._counts = counts

    def pairs(self) -> list[tuple[str, int]]:
        """All names with their counts."""
        return self._spelt([key for key, count in self._counts.items() if count > 0])

    def most(self, limit: int, wanted: Sequence[str] = ()) -> tuple[list[tuple[str, int]], int]:
        """The most frequent names, then those that are wanted, and how many there are in all.

        Of equals, the first by the alphabet.
        """
        numbers = sorted((count for count in self._counts.values() if count > 0), reverse=True)
        least = numbers[min(limit, len(numbers)) - 1] if numbers else 1
        found = self._spelt([key for key, count in self._counts.items() if count >= least])
        listed = sorted(found, key=lambda pair: (-pair[1], pair[0]))[:limit]
        asked = [key for name in wanted if self._counts.get(key := name.casefold(), 0) > 0]
        more = [pair for pair in self._spelt(asked) if pair not in listed]
        return listed + more, len(numbers)

    def _spelt(self, keys: Sequence[str]) -> list[tuple[str, int]]:
        """These names as they are written, with their counts."""
        spellings: dict[str, dict[str, int]] = {key: {} for key in keys}
        for own, shard in zip(self._keys, self._shards, strict=True):
            at = [i for i, key in enumerate(own) if key in spellings]
            for i, times in zip(at, shard.spelt[at].tolist(), strict=True):
                spelt = spellings[own[i]]
                name = shard.names[i]
                for spelling, count in ((name, times), *shard.others.get(name, {}).items()):
                    spelt[spelling] = spelt.get(spelling, 0) + count
        return [(commonest_spelling(spellings[key]), self._counts[key]) for key in keys]


def commonest_spelling(spellings: Mapping[str, int]) -> str:
    """The most frequent spelling of a name; of equals, the first by the alphabet."""
    return min(spellings, key=lambda each: (-spellings[each], each))


@dataclass(frozen=True)
class Category:
    """One many-valued attribute of articles: article `owners[i]` has value `names[codes[i]]`.

    The owners ascend. `spelt` is what all articles say, from which the others follow.
    """

    names: tuple[str, ...]
    codes: Ints
    owners: Ints
    n_articles: int
    spelt: Spelt

    def once(self, derive: Callable[[tuple[str, ...]], T]) -> T:
        """What a function makes of the names; it is called once as long as they are the same."""
        if derive not in self._derived:
            self._derived[derive] = derive(self.names)
        found: T = self._derived[derive]
        return found

    @cached_property
    def _derived(self) -> dict[Callable[..., Any], Any]:
        return {}

    @classmethod
    def of(cls, values: Sequence[Sequence[str]]) -> Self:
        """Encode the values of each article, ignoring empty strings."""
        return cls.of_spelt(Spelt.of(values, np.arange(len(values), dtype=np.int32)), len(values))

    @classmethod
    def of_spelt(cls, spelt: Spelt, n_articles: int) -> Self:
        """Make one value of spellings that differ only in case.

        Its name is the most frequent spelling; of equally frequent ones, the first by the alphabet.
        """
        alike: dict[str, list[int]] = {}
        for number, name in enumerate(spelt.spellings):
            alike.setdefault(name.casefold(), []).append(number)
        counts = np.bincount(spelt.numbers, minlength=len(spelt.spellings)).tolist()
        code_of = np.empty(len(spelt.spellings), np.int32)
        for code, same in enumerate(alike.values()):
            code_of[same] = code
        # Two spellings of one value in one article are one entry.
        pairs = np.sort(spelt.owners.astype(np.int64) * len(alike) + code_of[spelt.numbers])
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]  # a third of np.unique's time
        owned, codes = np.divmod(pairs, max(1, len(alike)))
        commonest = (max(same, key=counts.__getitem__) for same in alike.values())
        return cls(
            names=tuple(spelt.spellings[number] for number in commonest),
            codes=codes.astype(np.int32),
            owners=owned.astype(np.int32),
            n_articles=n_articles,
            spelt=spelt,
        )

    def changed(
        self, ordinals: Ints, values: Sequence[Sequence[str]], owners: Ints, n_articles: int
    ) -> Self:
        """Let article i become `ordinals[i]`, -1 to remove it, and add articles with values."""
        spelt = self.spelt.moved(ordinals).joined(Spelt.of(values, owners))
        return self.of_spelt(spelt, n_articles)

    def known(self, names: Iterable[str]) -> set[str]:
        """Those of the names that an article has, without case."""
        return {name.casefold() for name in names} & self._code_of.keys()

    def holding(self, names: Sequence[str], of_whole: AbstractSet[str] = NO_NAMES) -> Bools:
        """Article mask of the articles with any of these names, compared without case.

        A name that is neither here nor, in a shard, `of_whole` stands for those that differ in
        `www.` alone.
        """
        own, folded = self.known(names), {name.casefold() for name in names}
        name_mask = np.zeros(len(self.names), np.bool_)
        name_mask[[self._code_of[name] for name in own]] = True
        known = own | of_whole
        if bare := {bare_name(name) for name in folded - known}:
            name_mask |= np.array([bare_name(name) in bare for name in self.names], np.bool_)
        return self._articles_of(name_mask)

    def mentioning(self, words: Sequence[str], words_of: Callable[[str], list[str]]) -> Bools:
        """Article mask of the articles with a name that contains these words as a phrase."""
        phrase, n = list(words), len(words)
        names = [words_of(name) for name in self.names]
        found = [any(name[i : i + n] == phrase for i in range(len(name) - n + 1)) for name in names]
        return self._articles_of(np.array(found, np.bool_))

    def beginning(self, words: Sequence[str], words_of: Callable[[str], list[str]]) -> Bools:
        """Article mask of the articles with a name that begins so, `www.` left out."""
        typed = " ".join(words)
        names = (" ".join(words_of(bare_name(name))) for name in self.names)
        found = [bool(typed) and name.startswith(typed) for name in names]
        return self._articles_of(np.array(found, np.bool_))

    def counts(self, article_mask: Bools) -> Counter[str]:
        """Count the articles of the mask by name."""
        counted = self._counted(article_mask)
        return Counter(dict(self._pairs(counted, np.flatnonzero(counted))))

    def most(
        self,
        article_mask: Bools,
        limit: int,
        less: npt.NDArray[np.int64] | int = 0,
        wanted: Sequence[str] = (),
    ) -> tuple[list[tuple[str, int]], int]:
        """The most frequent names among the articles of the mask, with their numbers.

        `less`, (n_names,), is subtracted from these. Of equals, the first by the alphabet. `wanted`
        names follow if they are rarer. Also returns how many names there are in all.
        """
        counted = self._counted(article_mask) - less
        found = np.flatnonzero(counted)
        total = len(found)
        if total > limit:  # an archive has more people than can be sorted in each search
            least = np.partition(counted[found], total - limit)[total - limit]
            found = found[counted[found] >= least]
        rare = [code for name in wanted if (code := self._code_of.get(name.casefold())) is not None]
        ordered = sorted(self._pairs(counted, found), key=lambda pair: (-pair[1], pair[0]))[:limit]
        listed = {name for name, _ in ordered}
        more = self._pairs(counted, np.array(rare, np.int64))
        return [*ordered, *(pair for pair in more if pair[1] and pair[0] not in listed)], total

    def values(self, article_mask: Bools, less: npt.NDArray[np.int64] | int = 0) -> CountedValues:
        """The names among the articles of the mask, with their numbers, as in `most`.

        Those of several shards are put together by `MergedValues`.
        """
        counted = self._counted(article_mask) - less
        found = np.flatnonzero(counted)
        names = [self.names[code] for code in found.tolist()]
        several = self._spelt_variously
        others = {name: several[name] for name in names if name in several} if several else {}
        return CountedValues(
            names, counted[found].astype(np.int32), self._times_spelt[found], others
        )

    @cached_property
    def _times_spelt(self) -> Ints:
        """How often articles spell each name as `names` has it, (n_names,)."""
        times = (self._spelt_as[code][name] for code, name in enumerate(self.names))
        return np.fromiter(times, np.int32, len(self.names))

    @cached_property
    def _spelt_variously(self) -> dict[str, dict[str, int]]:
        """The other spellings of the names that have any."""
        return {
            name: {each: count for each, count in spelt.items() if each != name}
            for name, spelt in zip(self.names, self._spelt_as, strict=True)
            if len(spelt) > 1
        }

    def spellings_of(self, name: str) -> Mapping[str, int]:
        """How often articles spell a name how; it is one of `names`."""
        return self._spelt_as[self._code_of[name.casefold()]]

    @cached_property
    def _spelt_as(self) -> list[dict[str, int]]:
        """The spellings of each name, and how often articles say them."""
        counts = np.bincount(self.spelt.numbers, minlength=len(self.spelt.spellings)).tolist()
        spellings: list[dict[str, int]] = [{} for _ in self.names]
        for spelling, count in zip(self.spelt.spellings, counts, strict=True):
            spellings[self._code_of[spelling.casefold()]][spelling] = count
        return spellings

    def narrowed(self, article_mask: Bools) -> Self:
        """The same names, with the entries of the masked articles only."""
        entries = self.entries(article_mask)
        return replace(self, codes=self.codes[entries], owners=self.owners[entries])

    def entries(self, article_mask: Bools) -> Rows | Bools:
        """The entries of the masked articles, ascending, as indices or as a mask.

        Of few articles they are looked up: a search for people seldom finds a tenth of the archive.
        """
        if self._is_of_each:
            return article_mask
        ordinals = np.flatnonzero(article_mask)
        if len(ordinals) > FEW * self.n_articles:
            return article_mask[self.owners]
        begins = self._begins[ordinals]
        sizes = self._begins[ordinals + 1] - begins
        skipped = begins - (np.cumsum(sizes) - sizes)
        return np.repeat(skipped, sizes) + np.arange(sizes.sum())

    @cached_property
    def _is_of_each(self) -> bool:
        """Whether each article has one value, so that its entry is its ordinal."""
        each = np.arange(self.n_articles, dtype=self.owners.dtype)
        return np.array_equal(self.owners, each)

    @cached_property
    def _begins(self) -> Rows:
        """The first entry of each article, and the number of entries, (n_articles + 1,)."""
        return np.searchsorted(self.owners, np.arange(self.n_articles + 1, dtype=np.int32))

    @cached_property
    def _code_of(self) -> dict[str, int]:
        return {name.casefold(): code for code, name in enumerate(self.names)}

    def _counted(self, article_mask: Bools) -> npt.NDArray[np.int64]:
        """The number of articles of the mask by code, (n_names,)."""
        return np.bincount(self.codes[self.entries(article_mask)], minlength=len(self.names))

    def _pairs(
        self, counted: npt.NDArray[np.int64], codes: npt.NDArray[np.int64]
    ) -> Iterator[tuple[str, int]]:
        names = (self.names[code] for code in codes.tolist())
        return zip(names, counted[codes].tolist(), strict=True)

    def _articles_of(self, name_mask: Bools) -> Bools:
        article_mask = np.zeros(self.n_articles, np.bool_)
        article_mask[self.owners[name_mask[self.codes]]] = True
        return article_mask
