"""Whether a divided archive is ready: what its shards say, and which of them are out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from backfile.archive.model.message import Message
from backfile.index.search.readiness import Part, Readiness, Status

SHARDS = "shards"  # the name of the part that says which of them are out
REPLICAS = "replicas"  # the name of the part that says which of them do not answer
WORST_FIRST = (Status.FAILED, Status.LOADING, Status.OK, Status.ABSENT)


class Tested(NamedTuple):
    """A shard, how many replicas it has, and the readiness of those that answer."""

    name: str
    n_replicas: int
    found: Sequence[Readiness]

    @property
    def answering(self) -> int:
        """How many replicas can be searched by words."""
        return sum(not each.failure for each in self.found)

    @property
    def best(self) -> Readiness | None:
        """That of a replica with nothing wrong, or else with something that searches need less."""
        return min(
            self.found, key=lambda each: (bool(each.failure), not each.is_whole), default=None
        )


def merged_readiness(shards: Sequence[Tested], age: float) -> Readiness:
    """The readiness of a whole of these shards.

    A shard is as ready as its best replica; one that cannot be searched by words is out, as
    searches leave it out. Only if all are, the whole cannot be searched. `age` is the seconds since
    the generation of the whole changed.
    """
    tested = {each.name: each.best for each in shards if each.best}
    there = {name: found for name, found in tested.items() if not found.failure}
    if not there:
        failures = (_named(name, each.failure) for name, each in tested.items() if each.failure)
        return Readiness(tuple(failures)[:1])
    parts = [_worst(name, there) for name in ("record", "words", "vectors", "model")]
    embedded = sum(each.coverage for each in there.values()) / len(there)
    n_replicas = sum(each.n_replicas for each in shards)
    if n_replicas > len(shards):
        parts.append(_replicas(shards))
    names = [each.name for each in shards]
    return Readiness(
        (*parts, _those_out(names, tested, there)),
        sum(each.generation for each in there.values()),
        embedded,
        age,
        sum(each.behind for each in there.values()),
        replicas=n_replicas,
        answering=sum(each.answering for each in shards),
    )


def _replicas(shards: Sequence[Tested]) -> Part:
    """Which shards have replicas that do not answer, or cannot be searched by words."""
    lacking = [each for each in shards if each.answering < each.n_replicas]
    if not lacking:
        return Part(REPLICAS, Status.OK)
    listed = "; ".join(f"{each.name}: {each.answering} of {each.n_replicas}" for each in lacking)
    return Part(REPLICAS, Status.FAILED, Message("replicas that answer: %(listed)s", listed=listed))


def _worst(name: str, there: Mapping[str, Readiness]) -> Part:
    """The worst status of a part among the shards, which its detail names."""
    found = [_named(shard, part) for shard, each in there.items() for part in _called(each, name)]
    return min(found, key=lambda part: WORST_FIRST.index(part.status))


def _called(found: Readiness, name: str) -> Iterator[Part]:
    return (part for part in found.parts if part.name == name)


def _named(shard: str, part: Part) -> Part:
    if not part.detail:
        return part
    detail = Message("the shard %(name)s: %(detail)s", name=shard, detail=part.detail)
    return Part(part.name, part.status, detail)


def _those_out(
    names: Sequence[str], tested: Mapping[str, Readiness], there: Mapping[str, Readiness]
) -> Part:
    out = [name for name in names if name not in there]
    if not out:
        return Part(SHARDS, Status.OK)
    why = {name: each.failure.detail for name, each in tested.items() if each.failure}
    listed = "; ".join(f"{name} ({why[name]})" if name in why else name for name in out)
    detail = Message(
        "%(there)s of %(all)s parts of the archive answer; out are: %(out)s",
        there=len(there),
        all=len(names),
        out=listed,
    )
    return Part(SHARDS, Status.FAILED, detail)
