"""The map of a divided archive: which shards it has, and which days of news each of them holds."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Self

import numpy as np

from backfile.archive.model.cluster_errors import (
    ClusterElsewhere,
    ClusterMissing,
    ShardUnknown,
    ShardUnsplit,
)
from backfile.archive.model.errors import ArchiveMismatch, EngineUnavailable
from backfile.archive.store.directory import write_json
from backfile.archive.store.sealing import with_digest, without_digest
from backfile.index.model.arrays import Ints, Rows

FORMAT = 1
WITH_EDITIONS = 2  # the format of a map with editions, which earlier releases do not know
WITH_COPIES = 3  # of one whose shards lie on several machines
FILE = "cluster.json"
DRAFT = "cluster.tmp"  # of the map, as `write_json` names it
SHARDS = "shards"  # the folder of the archives
UNDATED = "undated"
TO = "-to-"  # in the name of a shard that was split, before its last day
DAYS_BYTES = 7
NAME = "the map of the cluster"
# What it notes beside the shards.
SOURCE = ("archive", "generation", "lineage", "copies", "division")
NAMED = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")  # of a shard: the name of a folder, no path


@dataclass(frozen=True, slots=True)
class ShardEntry:
    """A shard: its name, and the first day of its news.

    It holds the news up to the first day of the next shard. `since` is None for the first shard,
    and for what has no date. `generation` is its own when it last followed the archive, 0 if
    unknown: if it has another one, it is not as it was left. Each time it is made anew as a whole,
    it has another `edition`, from 0 up, in a folder of its own. `upto` is the generation of the
    archive up to which it had followed then, 0 if unknown.
    """

    name: str
    since: date | None = None
    generation: int = 0
    edition: int = 0
    upto: int = 0

    @property
    def folder(self) -> str:
        """The name of its folder.

        >>> ShardEntry("undated").folder, ShardEntry("undated", edition=2).folder
        ('undated', 'undated.2')
        """
        return f"{self.name}.{self.edition}" if self.edition else self.name


@dataclass(frozen=True, slots=True)
class ClusterMap:
    """The shards of a divided archive: the one of what is undated, then the others by day.

    `archive` is the number that names the archive that they were made from, 0 if unknown. They have
    followed it up to a `generation` in the course of its generations that is named by `lineage`.
    `copies` says on how many machines each shard is to be, each with a disk of its own; 0 if there
    is one folder for all, or copies of it are made by other means. `division` is a number of this
    division of the archive into shards, 0 in maps of earlier releases: shards of the same name that
    were made by another one hold other days.
    """

    shards: tuple[ShardEntry, ...]
    archive: int = 0
    generation: int = 0
    lineage: int = 0
    copies: int = 0
    division: int = 0

    @classmethod
    def is_in(cls, folder: Path) -> bool:
        """Whether a folder has a map, be it damaged."""
        return (folder / FILE).exists()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the map in a folder; raise ClusterMissing or EngineUnavailable."""
        path = folder / FILE
        if not path.is_file():
            raise ClusterMissing(folder)
        try:
            stored = without_digest(json.loads(path.read_bytes()))
            found = stored["format"]
            shards = _entries(stored["shards"])
            source = [int(stored.get(name, 0)) for name in SOURCE]
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as exc:
            reason = f"{path} cannot be read; copy it back from where it is whole"
            raise EngineUnavailable(NAME, reason) from exc
        if found not in (FORMAT, WITH_EDITIONS, WITH_COPIES):
            remedy = "use the release it was made with"
            raise ArchiveMismatch(f"format {found} of {NAME}", f"format {FORMAT}", remedy)
        return cls(shards, *source)

    def write(self, folder: Path) -> None:
        """Replace the file as a whole."""
        shards = [
            asdict(each) | {"since": each.since.isoformat() if each.since else None}
            for each in self.shards
        ]
        has_editions = any(each.edition for each in self.shards)
        known = WITH_COPIES if self.copies else WITH_EDITIONS if has_editions else FORMAT
        source = {name: getattr(self, name) for name in SOURCE if name != "copies" or self.copies}
        stored = {"format": known, "shards": shards}
        write_json(folder / FILE, with_digest(stored | source))

    @classmethod
    def of_days(cls, days: Ints, sizes: Rows, n_shards: int) -> Self:
        """Divide news by day into shards of about equal sizes; what is undated has its own.

        `days` (n,) are as in `date.toordinal()`, 0 for none; `sizes` (n,) are passages. There are
        fewer shards where there are fewer days.

        >>> days, sizes = np.array([0, 738000, 738001, 738002], np.int32), np.array([1, 4, 4, 4])
        >>> [shard.name for shard in ClusterMap.of_days(days, sizes, 2).shards]
        ['undated', 'from-beginning', 'from-2021-07-31']
        """
        dated = days > 0
        undated = [ShardEntry(UNDATED)] if not dated.all() or not dated.any() else []
        found, each = np.unique(days[dated], return_inverse=True)
        before = np.cumsum(np.bincount(each, sizes[dated], len(found))) if len(found) else sizes[:0]
        wanted = np.arange(1, n_shards) * (before[-1] if len(before) else 0) / n_shards
        begins = sorted(set((np.searchsorted(before, wanted, side="left") + 1).tolist()))
        since = [date.fromordinal(int(found[i])) for i in begins if i < len(found)]
        return cls((*undated, ShardEntry("from-beginning"), *map(_from, since)))

    @classmethod
    def of_begins(cls, since: Sequence[date]) -> Self:
        """A shard for what is undated, one from the beginning, and one from each of these days on.

        >>> [shard.name for shard in ClusterMap.of_begins([date(2024, 1, 1)]).shards]
        ['undated', 'from-beginning', 'from-2024-01-01']
        """
        later = [_from(day) for day in sorted(set(since))]
        return cls((ShardEntry(UNDATED), ShardEntry("from-beginning"), *later))

    def place_named(self, name: str) -> int:
        """The place of a shard; raise ShardUnknown."""
        names = [each.name for each in self.shards]
        if name not in names:
            raise ShardUnknown(name, names)
        return names.index(name)

    def name_of(self, day: date) -> str:
        """The name of the shard that holds the news of a day."""
        return self.shards[int(self.place_of(np.array([day.toordinal()], np.int32))[0])].name

    def middle(self, days: Ints, sizes: Rows) -> date | None:
        """The day that divides articles, with `days` and `sizes` (n,), into two equal parts.

        None if they have no two days.
        """
        halves = type(self).of_days(days[days > 0], sizes[days > 0], 2).shards
        return halves[-1].since

    def split(self, place: int, day: date) -> Self:
        """The map with two shards in the place of one: up to this day, and from it on.

        Raises ShardUnsplit unless the shard has days before it and holds the news of it.
        """
        former = self.shards[place]
        ordinal = np.array([day.toordinal()], np.int32)
        is_first = day in (former.since, date.min)
        if self.place_of(ordinal)[0] != place or is_first or former.name == UNDATED:
            raise ShardUnsplit(former.name, f"{day} is not one of its days but the first")
        until = date.fromordinal(day.toordinal() - 1)
        begin, _, _ = former.name.partition(TO)  # it may be the earlier half of another split
        earlier = ShardEntry(f"{begin}{TO}{until}", former.since)
        return replace(
            self, shards=(*self.shards[:place], earlier, _from(day), *self.shards[place + 1 :])
        )

    def renewed(self, places: Collection[int]) -> Self:
        """The map with other editions of the shards at these places, which are to be made."""
        shards = (
            replace(each, edition=each.edition + 1, generation=0, upto=0)
            if place in places
            else each
            for place, each in enumerate(self.shards)
        )
        return replace(self, shards=tuple(shards))

    def place_of(self, days: Ints) -> Rows:
        """The place of the shard that holds the news of each day, (n,); 0 is no day."""
        has_undated = bool(self.shards) and self.shards[0].name == UNDATED
        begins = [each.since.toordinal() for each in self.shards if each.since]
        places = np.searchsorted(begins, days, side="right") + has_undated
        if has_undated:
            places[days == 0] = 0
        return places

    def days_of(self, place: int) -> int:
        """A number for the days that a shard holds, and for the division that it belongs to."""
        later = [each.since for each in self.shards[place + 1 :] if each.since]
        text = f"{self.division} {self.shards[place].since} {later[:1]}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:DAYS_BYTES])

    def require_here(self, folder: Path) -> None:
        """Raise ClusterElsewhere if some shards lie on other machines alone."""
        if self.n_away(folder):
            raise ClusterElsewhere(folder)

    def n_away(self, folder: Path) -> int:
        """How many shards are not in the folder, as they lie on other machines alone."""
        return sum(not each.exists() for each in self.folders(folder)) if self.copies else 0

    def folders(self, folder: Path) -> Sequence[Path]:
        """The archive of each shard, below the folder of the cluster."""
        return [folder / SHARDS / each.folder for each in self.shards]


def _from(day: date) -> ShardEntry:
    return ShardEntry(f"from-{day.isoformat()}", day)


def _entries(stored: Sequence[Mapping[str, Any]]) -> tuple[ShardEntry, ...]:
    """The shards as the map has them; raise ValueError if a name is no name of a folder.

    No shard lies elsewhere than below the folder of the cluster, none is there twice, and their
    days ascend.
    """
    shards = tuple(
        ShardEntry(
            str(each["name"]),
            date.fromisoformat(str(each["since"])) if each["since"] else None,
            int(each.get("generation") or 0),
            int(each.get("edition", 0)),
            int(each.get("upto", 0)),
        )
        for each in stored
    )
    if any(each.edition < 0 for each in shards):
        raise ValueError("an edition is below 0")
    begins = [each.since for each in shards if each.since]
    if begins != sorted(set(begins)) or any(each.since for each in shards[: -len(begins) or None]):
        raise ValueError("shards are not in the order of their days")
    names = [each.name for each in shards]
    if not names or len(set(names)) < len(names) or not all(map(NAMED.fullmatch, names)):
        raise ValueError(f"the names of shards are {names}")
    return shards
