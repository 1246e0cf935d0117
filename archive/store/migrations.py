"""The steps that bring the tables of an older catalogue up to this release, in order.

`PRAGMA user_version` counts the steps that were done. Each step is one transaction together with
that number, so after a kill the next writer goes on with the step that was not done. A new
catalogue is made by the same steps; a step that was released never changes.

This is a table of our own and not Alembic, because there is one writer, one line of versions and a
few statements a step: Alembic would bring a second package, a folder of scripts and an environment
to run them in.
"""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from backfile.archive.model.errors import ArchiveMismatch
from backfile.archive.store.schema import metadata


class Column(NamedTuple):
    """A column that a table may lack."""

    table: str
    name: str
    definition: str


class Step(NamedTuple):
    """One change of the tables: columns to add, then statements; both may be done already."""

    statements: str
    columns: Sequence[Column] = ()


# Until this step, releases added what was missing whenever they opened an archive, and counted no
# version. So an archive may lack any of it.
UNCOUNTED = Step(
    columns=(
        Column("articles", "date_certainty", "TEXT DEFAULT 'certain' NOT NULL"),
        Column("articles", "date_written", "TEXT DEFAULT '' NOT NULL"),
        Column("articles", "canonical", "TEXT DEFAULT '' NOT NULL"),
        Column("articles", "origin_digest", "TEXT DEFAULT '' NOT NULL"),
        Column("articles", "version", "INTEGER DEFAULT '0' NOT NULL"),
        Column("articles", "kept_at", "TEXT DEFAULT '' NOT NULL"),
        Column("passages", "embedded", "BOOLEAN DEFAULT 0 NOT NULL"),
    ),
    statements="""
    CREATE TABLE IF NOT EXISTS counters (
        name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS articles (
        number INTEGER NOT NULL PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
        title_source TEXT NOT NULL, text TEXT NOT NULL, published INTEGER, published_at TEXT,
        date_source TEXT NOT NULL, date_certainty TEXT DEFAULT 'certain' NOT NULL,
        date_written TEXT DEFAULT '' NOT NULL, source TEXT NOT NULL, section TEXT NOT NULL,
        authors TEXT NOT NULL, language TEXT NOT NULL, url TEXT NOT NULL,
        canonical TEXT DEFAULT '' NOT NULL, origin_file TEXT NOT NULL,
        origin_offset INTEGER NOT NULL, origin_digest TEXT DEFAULT '' NOT NULL,
        version INTEGER DEFAULT '0' NOT NULL, digest BLOB NOT NULL,
        kept_at TEXT DEFAULT '' NOT NULL);
    CREATE INDEX IF NOT EXISTS origins ON articles (origin_file, origin_offset);
    CREATE INDEX IF NOT EXISTS addresses ON articles (canonical) WHERE canonical != '';
    CREATE INDEX IF NOT EXISTS bytes ON articles (origin_digest) WHERE origin_digest != '';
    CREATE TABLE IF NOT EXISTS versions (
        id TEXT NOT NULL, place INTEGER NOT NULL, digest BLOB NOT NULL, kept_at TEXT NOT NULL,
        replaced_at TEXT NOT NULL, origin_file TEXT NOT NULL, origin_digest TEXT NOT NULL,
        content BLOB NOT NULL, PRIMARY KEY (id, place));
    CREATE INDEX IF NOT EXISTS bytes_once ON versions (origin_digest) WHERE origin_digest != '';
    CREATE TABLE IF NOT EXISTS withdrawals (
        id TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, reason TEXT NOT NULL,
        withdrawn_at TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS removals (
        id TEXT NOT NULL PRIMARY KEY, removed_at TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS runs (
        number INTEGER NOT NULL PRIMARY KEY, ended_at TEXT NOT NULL, counts TEXT NOT NULL,
        refused TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS originals (
        digest TEXT NOT NULL, place TEXT NOT NULL, "offset" INTEGER NOT NULL,
        "key" TEXT NOT NULL, told TEXT NOT NULL, options TEXT NOT NULL,
        PRIMARY KEY (digest, place));
    CREATE TABLE IF NOT EXISTS passages (
        "row" INTEGER NOT NULL PRIMARY KEY,
        article INTEGER NOT NULL REFERENCES articles (number), n INTEGER NOT NULL,
        start INTEGER NOT NULL, "end" INTEGER NOT NULL, heading TEXT NOT NULL,
        embedded BOOLEAN DEFAULT 0 NOT NULL);
    CREATE INDEX IF NOT EXISTS ix_passages_article ON passages (article);
    CREATE INDEX IF NOT EXISTS unembedded ON passages ("row") WHERE embedded IS 0;
    CREATE TABLE IF NOT EXISTS signatures (
        article INTEGER NOT NULL PRIMARY KEY REFERENCES articles (number) ON DELETE CASCADE,
        signature BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS stories (
        article INTEGER NOT NULL PRIMARY KEY REFERENCES articles (number) ON DELETE CASCADE,
        story INTEGER NOT NULL, place INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS ix_stories_story ON stories (story);
    """,
)
RELEASES = Step("CREATE TABLE IF NOT EXISTS releases (digest TEXT NOT NULL PRIMARY KEY);")

CONTENTS = Step(
    "CREATE INDEX IF NOT EXISTS contents ON articles (digest)"
    " WHERE substr(id, 1, 5) IN ('text-', 'part-', 'file-', 'entry');"
)

SEALS = Step("""
    CREATE TABLE IF NOT EXISTS seals (
        article INTEGER NOT NULL PRIMARY KEY REFERENCES articles (number) ON DELETE CASCADE,
        seal BLOB NOT NULL);
""")

PERIODS = Step("", (Column("articles", "published_last", "INTEGER"),))

# Articles of before are cut again by the next run, so that their sentences are counted.
FURNITURE = Step(
    columns=(Column("passages", "left_out", "TEXT DEFAULT '' NOT NULL"),),
    statements="""
    CREATE TABLE IF NOT EXISTS sentences (
        hash INTEGER NOT NULL, story INTEGER NOT NULL,
        article INTEGER NOT NULL REFERENCES articles (number) ON DELETE CASCADE,
        PRIMARY KEY (hash, story, article)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS ix_sentences_article ON sentences (article);
    CREATE TABLE IF NOT EXISTS furniture (hash INTEGER NOT NULL PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS uncut (
        article INTEGER NOT NULL PRIMARY KEY REFERENCES articles (number) ON DELETE CASCADE);
    INSERT OR IGNORE INTO uncut SELECT number FROM articles;
    """,
)

# The index finds the articles in some languages, and counts them, without reading any text.
NAMES = Step("""
    CREATE TABLE IF NOT EXISTS names (
        article INTEGER NOT NULL PRIMARY KEY REFERENCES articles (number) ON DELETE CASCADE,
        model TEXT NOT NULL, people TEXT NOT NULL, organisations TEXT NOT NULL,
        places TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS languages ON articles (language);
""")

# Changes before this step were not noted.
TOUCHED = Step("""
    CREATE TABLE IF NOT EXISTS touched (
        article INTEGER NOT NULL PRIMARY KEY, generation INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS ix_touched_generation ON touched (generation);
    INSERT OR REPLACE INTO counters SELECT 'noted', COALESCE(MAX(value), 0)
        FROM counters WHERE name = 'generation';
""")

# They are filled when the clusters are next made; until then no counter says that they are.
BANDS = Step("""
    CREATE TABLE IF NOT EXISTS bands (
        hash INTEGER NOT NULL, article INTEGER NOT NULL,
        PRIMARY KEY (hash, article)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS unclustered (
        number INTEGER NOT NULL PRIMARY KEY, article INTEGER NOT NULL, signature BLOB);
""")

# Of passages that were embedded before, the texts are not known.
TEXTS = Step("""
    CREATE TABLE IF NOT EXISTS embedded_texts (
        "row" INTEGER NOT NULL PRIMARY KEY REFERENCES passages ("row") ON DELETE CASCADE,
        hash INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS ix_embedded_texts_hash ON embedded_texts (hash);
""")

# Abstracts of before are known when their files are read again.
TEXT_KINDS = Step("", (Column("articles", "text_kind", "TEXT DEFAULT 'whole' NOT NULL"),))

STEPS = (
    *(UNCOUNTED, RELEASES, CONTENTS, SEALS, PERIODS, FURNITURE, NAMES, TOUCHED, BANDS, TEXTS),
    TEXT_KINDS,
)
NOT_READ = {
    *("releases", "seals", "sentences", "furniture", "uncut", "names"),
    *("touched", "bands", "unclustered", "embedded_texts"),
}
"""Tables that no search needs: an archive that lacks them can be read."""
NO_NAMES = "CREATE TEMP TABLE names (article INTEGER, model, people, organisations, places)"
SUPPLIED = {
    ("articles", "published_last"): "NULL",
    ("articles", "text_kind"): "'whole'",
    ("passages", "left_out"): "''",
}
"""Columns that a reader of an archive that lacks them sees all the same, and their value."""


def version_of(connection: sqlite3.Connection) -> int:
    """The number of steps that were done in a catalogue."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, steps: Sequence[Step] = STEPS) -> None:
    """Do the steps that were not done yet; the caller holds the writer's lock.

    The connection begins and ends no transactions by itself (`isolation_level` is None). Raises
    ArchiveMismatch if a later release made the catalogue.
    """
    require_known(connection, len(steps))
    for number, step in enumerate(steps[version_of(connection) :], version_of(connection) + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            _do(connection, step)
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # SQLite may have ended it, as where the disk is full
                connection.execute("ROLLBACK")
            raise


def require_known(connection: sqlite3.Connection, latest: int = len(STEPS)) -> None:
    """Raise ArchiveMismatch if a later release changed the catalogue."""
    if (version := version_of(connection)) > latest:
        remedy = "use that release, or a later one"
        raise ArchiveMismatch(
            f"version {version} of the catalogue, by a later release", f"version {latest}", remedy
        )


def require_readable(connection: sqlite3.Connection) -> None:
    """Raise ArchiveMismatch unless all that a reader of this release asks for is there."""
    require_known(connection)
    if (version := version_of(connection)) == len(STEPS):
        return
    for table in metadata.sorted_tables:
        known = _columns(connection, table.name)
        lacking = [
            column.name
            for column in table.columns
            if column.name not in known and (table.name, column.name) not in SUPPLIED
        ]
        if lacking and table.name not in NOT_READ:
            remedy = "`backfile verify --repair` brings it up to date"
            raise ArchiveMismatch(
                f"version {version} of the catalogue, without {table.name}.{lacking[0]}",
                f"version {len(STEPS)}",
                remedy,
            )


def supply_columns(connection: sqlite3.Connection, _record: object = None) -> None:
    """Let a reader see what an earlier release did not have, without adding it.

    That is an empty table of names, and columns.
    """
    if not _columns(connection, "names"):
        connection.execute(NO_NAMES)  # of this connection alone
    for table in dict.fromkeys(table for table, _ in SUPPLIED):
        known = _columns(connection, table)
        lacking = [
            f"{value} AS {column}"
            for (of_table, column), value in SUPPLIED.items()
            if of_table == table and column not in known
        ]
        if known and lacking:
            # A view of this connection alone comes before the table of the same name.
            connection.execute(
                f"CREATE TEMP VIEW {table} AS SELECT *, {', '.join(lacking)} FROM main.{table}"  # noqa: S608, names of ours
            )


def _do(connection: sqlite3.Connection, step: Step) -> None:
    for table, name, definition in step.columns:
        known = _columns(connection, table)
        if known and name not in known:
            connection.execute(f'ALTER TABLE {table} ADD COLUMN "{name}" {definition}')
    # Not by `executescript`, which would commit first.
    for statement in filter(str.strip, step.statements.split(";")):
        connection.execute(statement)


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """The names of a table's columns; empty if there is no such table."""
    found = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return {name for (name,) in found}
