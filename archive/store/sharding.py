"""Copies some articles of a record into another record: a shard, which is an archive by itself.

Articles keep their numbers, so that equal scores are ordered alike in all shards; rows of passages
are numbered anew, from 1, in the same order. What belongs to no article (runs, withdrawals, the
history of articles that are gone) is copied into one shard, the `rest`. A shard gets the clusters
that the record has, and nothing that would be needed to make them.

A shard that is there already is brought up: articles that have changed are copied again, and those
that are gone, or belong to another shard by now, are deleted. The rows of passages that have not
changed stay, so that neither their words nor their vectors are indexed again.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import NamedTuple

import numpy as np

from backfile.archive.model.cluster_errors import ShardTouched
from backfile.archive.model.errors import ArchiveMismatch, EngineUnavailable
from backfile.archive.store.clusters import BANDED
from backfile.archive.store.database import ARCHIVE, TIDY, UNFINISHED, create_database, translated
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.journal import NAMES, Journal, Note
from backfile.archive.store.migrations import STEPS, require_known, version_of
from backfile.archive.store.originals import path_of
from backfile.archive.store.schema import metadata
from backfile.archive.store.touched import FOLLOWED, NOTED
from backfile.archive.store.trust import make_private_folder, open_private
from backfile.archive.store.vectors import Rows, VectorFile, some_at_once

OF_ARTICLE = "article IN (SELECT number FROM chosen)"
CHOSEN = "FROM old.articles WHERE number IN (SELECT number FROM chosen)"
# Which rows of a table of the source (`old`) a shard (`main`) gets with the articles in the table
# `chosen`; below, which others the shard of the rest gets.
CONDITIONS = {
    "articles": "number IN (SELECT number FROM chosen)",
    "passages": OF_ARTICLE,
    "embedded_texts": "row IN (SELECT old FROM moved)",
    "signatures": OF_ARTICLE,
    "seals": OF_ARTICLE,
    "sentences": OF_ARTICLE,
    "furniture": "1",
    "uncut": OF_ARTICLE,
    "names": OF_ARTICLE,
    "stories": OF_ARTICLE,
    "versions": f"id IN (SELECT id {CHOSEN})",
    "originals": (
        f"digest IN (SELECT origin_digest {CHOSEN}) "  # noqa: S608
        f"OR digest IN (SELECT origin_digest FROM old.versions WHERE id IN (SELECT id {CHOSEN}))"
    ),
}
REST = {
    "versions": "id NOT IN (SELECT id FROM old.articles)",
    "withdrawals": "1",
    "removals": "1",
    "runs": "1",
    "originals": (
        "digest NOT IN (SELECT origin_digest FROM old.articles) "
        "AND digest NOT IN (SELECT origin_digest FROM old.versions)"
    ),
}
# Which rows of a shard are deleted before, with the articles in the table `former`.
OF_FORMER = "article IN (SELECT number FROM former)"
DELETED = {table: OF_FORMER for table, rule in CONDITIONS.items() if rule == OF_ARTICLE} | {
    "embedded_texts": f"row IN (SELECT row FROM main.passages WHERE {OF_FORMER})",  # noqa: S608
    "articles": "number IN (SELECT number FROM former)",
    "versions": "id IN (SELECT id FROM main.articles WHERE number IN (SELECT number FROM former))",
    "furniture": "1",
}
REST_DELETED = {
    "versions": "id NOT IN (SELECT id FROM main.articles)",
    "withdrawals": "1",
    "removals": "1",
    "runs": "1",
}
# An article whose passages keep their rows: in both, with equal words and equal cuts.
KEPT = """
CREATE TEMP TABLE kept AS
SELECT number FROM chosen JOIN main.articles AS here USING (number)
JOIN old.articles AS there USING (number)
WHERE (here.title, here.title_source, here.text, here.language)
    = (there.title, there.title_source, there.text, there.language)
AND NOT EXISTS ({main} EXCEPT {old}) AND NOT EXISTS ({old} EXCEPT {main})
"""
CUTS = 'SELECT n, start, "end", heading, left_out FROM {of}.passages WHERE article = chosen.number'
NOT_COPIED = {"counters", "releases", "touched", "bands", "unclustered"}
ROWS = {"passages", "embedded_texts"}  # tables with a row, which is numbered anew


UPTO = ("followed generation", "followed lineage", "followed days")  # the counters of `Upto`


class Upto(NamedTuple):
    """A generation of an archive, and the number of the course of generations that it is of.

    What a shard lacks has changed since, or is of other `days`: a map has a number for its days.
    """

    generation: int
    lineage: int
    days: int = 0


NOWHERE = Upto(0, 0)


def require_current(source: ArchiveDirectory) -> None:
    """Raise ArchiveMismatch if another release made the tables: shards have those of this one."""
    with translated(), closing(sqlite3.connect(source.catalog)) as catalog:
        require_known(catalog)
        if (version := version_of(catalog)) < len(STEPS):
            remedy = "`backfile verify --repair` brings it up to date"
            raise ArchiveMismatch(
                f"tables of version {version}", f"a program for version {len(STEPS)}", remedy
            )


def generation_of(shard: ArchiveDirectory) -> int:
    """The generation of a shard if it is as it was last written, 0 if that was interrupted.

    It is 0 after a repair, too. Raises ShardTouched if another command has changed it since, or
    made its catalogue again.
    """
    with _opened(shard) as catalog:
        known = _counters(catalog, "main")
    followed = known.get(FOLLOWED)
    if followed is None or (followed and abs(followed) != known.get("generation")):
        raise ShardTouched(shard.root)
    return max(followed, 0)


def generation_reached(shard: ArchiveDirectory) -> int:
    """The generation of a shard, however it came to it; 0 if it cannot be read."""
    with suppress(EngineUnavailable), _opened(shard) as catalog:
        return _counters(catalog, "main").get("generation", 0)
    return 0


def is_untouched(archive: ArchiveDirectory) -> bool:
    """Whether an archive is a shard that no other command has changed."""
    with suppress(EngineUnavailable, ShardTouched):
        generation_of(archive)
        return True
    return False


def begin_writing(shard: ArchiveDirectory) -> None:
    """Note that parts of a shard are being written; a killed run is then known as one.

    A shard with this note is compared with its archive as a whole by the next run.
    """
    with _opened(shard) as catalog, catalog:
        catalog.execute("INSERT OR REPLACE INTO counters VALUES (?, 0)", (FOLLOWED,))


def note_written(shard: ArchiveDirectory) -> int:
    """Note that all parts of a shard are written: what changes it now is another command.

    Returns its generation.
    """
    with _opened(shard) as catalog, catalog:
        catalog.execute(
            "INSERT OR REPLACE INTO counters SELECT ?, value FROM counters WHERE name = ?",
            (FOLLOWED, "generation"),
        )
        return _counters(catalog, "main")[FOLLOWED]


def note_followed(shard: ArchiveDirectory, left: int, generation: int, upto: Upto) -> None:
    """Note up to where a shard has followed its archive; nothing else changes in it.

    It was `left` in a generation, and goes on from another: all copies of it are in one. Raises
    ShardTouched if another command has changed it since.
    """
    values = {FOLLOWED: generation, "generation": generation}
    values |= dict(zip(UPTO, upto, strict=True))
    with _opened(shard) as catalog, catalog:
        catalog.execute("BEGIN IMMEDIATE")
        known = _counters(catalog, "main")
        if {known.get(FOLLOWED), known.get("generation")} != {left}:
            raise ShardTouched(shard.root)
        catalog.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?)", values.items())


def followed_upto(shard: ArchiveDirectory) -> Upto:
    """Up to where a shard has followed its archive; NOWHERE if it does not say so."""
    with _opened(shard) as catalog:
        known = _counters(catalog, "main")
    return Upto(*(known.get(each, 0) for each in UPTO))


def numbers_in(shard: ArchiveDirectory, changed: Rows | None) -> Rows:
    """The numbers of a shard's articles, of the `changed` ones, which may be all; ascending."""
    with _opened(shard) as catalog:
        if changed is None:
            found = catalog.execute("SELECT number FROM articles ORDER BY number").fetchall()
        else:
            catalog.execute("CREATE TEMP TABLE asked (number INTEGER PRIMARY KEY)")
            asked = ((int(each),) for each in changed)
            catalog.executemany("INSERT INTO asked VALUES (?)", asked)
            found = catalog.execute(
                "SELECT number FROM asked JOIN articles USING (number) ORDER BY number"
            ).fetchall()
    return np.array(found, np.int64).reshape(-1)


@contextmanager
def _opened(shard: ArchiveDirectory) -> Iterator[sqlite3.Connection]:
    """The catalogue of a shard; none is made where it is missing."""
    uri = f"{shard.catalog.resolve().as_uri()}?mode=rw"
    with translated(), closing(sqlite3.connect(uri, uri=True)) as catalog:
        yield catalog


def copy_shard(
    source: ArchiveDirectory,
    shard: ArchiveDirectory,
    numbers: Rows,
    dimension: int,
    *,
    rest: bool,
    changed: Rows | None = None,
    after: int = 0,
) -> None:
    """Copy the articles of these numbers into a shard, which is made if it is not there.

    Of the `changed` articles, (n,), it then holds these and no others; None stands for all that
    either has. Its generation is beyond that before, and beyond `after`. The caller holds the
    writer's lock of both, and takes passages that are gone out of the caches, as after a killed
    run. Raises EngineUnavailable if the source is damaged.
    """
    if not shard.catalog.exists():
        create_database(shard.catalog)
    with translated(), closing(sqlite3.connect(shard.catalog)) as both:
        both.execute("ATTACH ? AS old", (f"{source.catalog.resolve()}",))
        both.execute("BEGIN")
        _choose(both, numbers, changed)
        _map_rows(both)
        _copy_vectors(source, shard, both, dimension)
        if notes := _new_notes(both, rest=rest):
            for note in notes:
                _link(source, shard, note["digest"])
            Journal(shard.originals).add(notes)
        _copy_tables(both, rest=rest)
        _set_counters(both, after)
        both.commit()


def _choose(both: sqlite3.Connection, numbers: Rows, changed: Rows | None) -> None:
    """Note the `chosen` articles, the `former` ones of the shard, and whose passages are `kept`."""
    both.execute("CREATE TEMP TABLE chosen (number INTEGER PRIMARY KEY)")
    both.executemany("INSERT INTO chosen VALUES (?)", ((int(each),) for each in numbers))
    both.execute("CREATE TEMP TABLE former (number INTEGER PRIMARY KEY)")
    if changed is None:
        both.execute("INSERT INTO former SELECT number FROM main.articles")
    else:
        both.executemany(
            "INSERT INTO former SELECT number FROM main.articles WHERE number = ?",
            ((int(each),) for each in changed),
        )
    # An id that was removed and came in again has another number.
    both.execute(
        "INSERT OR IGNORE INTO former SELECT here.number FROM chosen "
        "JOIN old.articles AS there USING (number) JOIN main.articles AS here ON here.id = there.id"
        " WHERE here.number <> there.number"
    )
    cuts = {of: CUTS.format(of=of) for of in ("main", "old")}
    both.execute(KEPT.format(**cuts))


def _map_rows(both: sqlite3.Connection) -> None:
    """Note the row in the shard (`new`) of each row of the chosen articles (`old`)."""
    both.execute("CREATE TEMP TABLE moved (new INTEGER PRIMARY KEY, old INTEGER)")
    both.execute(
        "INSERT INTO moved SELECT here.row, there.row FROM kept "
        "JOIN main.passages AS here ON here.article = kept.number "
        "JOIN old.passages AS there ON there.article = kept.number AND there.n = here.n"
    )
    last = _counters(both, "main").get("row", 0)
    both.execute(
        "INSERT INTO moved "  # noqa: S608
        "SELECT ? + row_number() OVER (ORDER BY row), row FROM old.passages "
        f"WHERE {OF_ARTICLE} AND article NOT IN (SELECT number FROM kept)",
        (last,),
    )
    both.execute("CREATE INDEX temp.by_old ON moved (old)")


def _copy_tables(both: sqlite3.Connection, *, rest: bool) -> None:
    """Replace the rows of all tables, in the order of their conditions."""
    others = REST if rest else {}
    gone = REST_DELETED if rest else {}
    tables = [*CONDITIONS, *(table for table in REST if table not in CONDITIONS)]
    for table in reversed(tables):
        for condition in filter(None, (DELETED.get(table), gone.get(table))):
            both.execute(f"DELETE FROM main.{table} WHERE {condition}")  # noqa: S608, names of ours
    for table in tables:
        for condition in filter(None, (CONDITIONS.get(table), others.get(table))):
            _copy_table(both, table, condition)


def _copy_table(both: sqlite3.Connection, table: str, condition: str) -> None:
    columns = [f'"{row[1]}"' for row in both.execute(f"PRAGMA main.table_info({table})")]
    there = {f'"{row[1]}"' for row in both.execute(f"PRAGMA old.table_info({table})")}
    listed = [each for each in columns if each in there]
    taken = ", ".join(listed)
    found = [
        "(SELECT new FROM moved WHERE old = row)" if table in ROWS and each == '"row"' else each
        for each in listed
    ]
    both.execute(
        f"INSERT {'OR REPLACE ' * (table == 'originals')}INTO main.{table} "  # noqa: S608
        f"({taken}) "
        f"SELECT {', '.join(found)} FROM old.{table} WHERE {condition}"
    )


def _set_counters(both: sqlite3.Connection, after: int) -> None:
    """Let all counters go on from those of the source, but for the shard's own."""
    own = _counters(both, "main")
    generation = max(own.get("generation", 0), after) + 1
    (highest,) = both.execute("SELECT coalesce(max(new), 0) FROM moved").fetchone()
    row = max(own.get("row", 0), highest)
    kept = {ARCHIVE: own[ARCHIVE], NOTED: own.get(NOTED, generation), BANDED: 0, TIDY: 0}
    kept |= {FOLLOWED: 0, UNFINISHED: 0} | {each: own.get(each, 0) for each in UPTO}
    values = _counters(both, "old") | kept | {"row": row, "generation": generation}
    both.executemany("INSERT OR REPLACE INTO main.counters VALUES (?, ?)", values.items())
    both.execute(
        "INSERT OR REPLACE INTO main.touched "
        "SELECT number, ? FROM (SELECT number FROM chosen UNION SELECT number FROM former)",
        (generation,),
    )


def _counters(both: sqlite3.Connection, of: str) -> dict[str, int]:
    return dict(both.execute(f"SELECT name, value FROM {of}.counters"))  # noqa: S608


def _new_notes(both: sqlite3.Connection, *, rest: bool) -> list[Note]:
    """The notes of originals that the shard gets and does not have."""
    listed = ", ".join(f'"{name}"' for name in NAMES)
    conditions = [CONDITIONS["originals"], *([REST["originals"]] if rest else [])]
    found: list[tuple[str, ...]] = []
    for condition in conditions:
        found += both.execute(
            f"SELECT {listed} FROM old.originals WHERE {condition} "  # noqa: S608, names of ours
            f"EXCEPT SELECT {listed} FROM main.originals"
        )
    return [dict(zip(NAMES, row, strict=True)) for row in found]


def _copy_vectors(
    source: ArchiveDirectory, shard: ArchiveDirectory, both: sqlite3.Connection, dimension: int
) -> None:
    """Copy the vectors that are embedded in the source and not yet in the shard.

    A damaged one would get a new checksum, and nobody would find it: it is an error.
    """
    found = both.execute(
        "SELECT new, old FROM moved JOIN old.passages AS there ON there.row = old "
        "WHERE there.embedded AND NOT EXISTS "
        "(SELECT 1 FROM main.passages AS here WHERE here.row = new AND here.embedded) ORDER BY new"
    ).fetchall()
    pairs = np.array(found, np.int64).reshape(-1, 2)
    file = VectorFile(source.vectors, dimension)
    if len(damaged := file.damaged(pairs[:, 1])):
        reason = f"{len(damaged)} rows are damaged; `backfile verify --repair` embeds them again"
        raise EngineUnavailable("the file of vectors", reason)
    stored = file.read(int(pairs[:, 1].max(initial=0)) + 1)
    copied = VectorFile(shard.vectors, dimension)
    for some in some_at_once(np.arange(len(pairs))):
        new, old = pairs[some].T
        copied.write(new, stored[old].astype(np.float32))


def _link(source: ArchiveDirectory, target: ArchiveDirectory, digest: str) -> None:
    """Have the bytes of an original in the shard too: by a link, or else as a copy."""
    path, copy = path_of(source.originals, digest), path_of(target.originals, digest)
    if not path.exists() or copy.exists():
        return
    make_private_folder(copy.parent)
    try:
        os.link(path, copy)
    except OSError:  # on another file system
        draft = copy.with_name(f"{copy.name}.copying")
        draft.unlink(missing_ok=True)
        with path.open("rb") as stored, open(draft, "xb", opener=open_private) as stream:
            shutil.copyfileobj(stored, stream)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(copy)


def tables_without_a_rule() -> set[str]:
    """The tables of the catalogue that no shard would get; there must be none."""
    return set(metadata.tables) - set(CONDITIONS) - set(REST) - NOT_COPIED
