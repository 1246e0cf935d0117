"""The catalogue's tables.

A column that was added later has a default, so that it can be added to an older archive. `key` is
our name for a column that older archives call otherwise.
"""

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    false,
    literal_column,
    text,
)

metadata = MetaData()
NOTHING: ColumnElement[str] = literal_column("''", Text)
"""The empty string as a literal: a partial index is not used where it is a parameter."""

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)

articles = Table(
    "articles",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("title_source", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("text_kind", Text, nullable=False, server_default="whole"),
    Column("published", Integer),  # date.toordinal(): a day, or the first day of a month, a year…
    Column("published_last", Integer),  # the last day of these; NULL for a day
    Column("published_at", Text),  # ISO 8601 with its offset
    Column("date_source", Text, nullable=False),
    Column("date_certainty", Text, nullable=False, server_default="certain"),
    Column("date_written", Text, nullable=False, server_default=""),
    Column("source", Text, nullable=False),
    Column("section", Text, nullable=False),
    Column("authors", Text, nullable=False),  # a JSON list
    Column("language", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("canonical", Text, nullable=False, server_default=""),  # the url, reduced to a name
    Column("origin_file", Text, nullable=False),
    Column("origin_offset", Integer, nullable=False),
    Column("origin_digest", Text, nullable=False, server_default=""),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("digest", LargeBinary, nullable=False),
    Column("kept_at", Text, nullable=False, server_default=""),  # when this came in: ISO 8601, UTC
)

Index("origins", articles.c.origin_file, articles.c.origin_offset)
Index("addresses", articles.c.canonical, sqlite_where=articles.c.canonical != NOTHING)
Index("languages", articles.c.language)

UNNAMED = text("substr(id, 1, 5) IN ('text-', 'part-', 'file-', 'entry')")
"""Whether an id was made of the content or the place; a literal for the same reason."""
Index("contents", articles.c.digest, sqlite_where=UNNAMED)
Index("bytes", articles.c.origin_digest, sqlite_where=articles.c.origin_digest != NOTHING)

versions = Table(
    "versions",
    metadata,
    # Earlier versions of articles; by id, as the article itself may be gone.
    Column("id", Text, primary_key=True),
    # From 1, in the order in which they were replaced.
    Column("place", Integer, key="sequence", primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    Column("kept_at", Text, nullable=False),
    Column("replaced_at", Text, nullable=False),
    Column("origin_file", Text, nullable=False),
    Column("origin_digest", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),  # the article's row as JSON, compressed
)

Index("bytes_once", versions.c.origin_digest, sqlite_where=versions.c.origin_digest != NOTHING)

withdrawals = Table(
    "withdrawals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("withdrawn_at", Text, nullable=False),
)

removals = Table(
    "removals",
    metadata,
    # Articles that a person has removed: reading originals again does not bring them back.
    Column("id", Text, primary_key=True),
    Column("removed_at", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("ended_at", Text, nullable=False),
    Column("counts", Text, nullable=False),  # of the report, as JSON
    Column("refused", Text, nullable=False),  # the first refusals, (place, reason), as JSON
)

originals = Table(
    "originals",
    metadata,
    # The bytes are in a file beside the catalogue, named by digest; two places may share them.
    Column("digest", Text, primary_key=True),
    Column("place", Text, primary_key=True),
    Column("offset", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("told", Text, nullable=False),  # fields known from its surroundings, as JSON
    Column("options", Text, nullable=False),  # of its reader, as JSON
)

releases = Table(
    "releases",
    metadata,
    # Originals whose notes were deleted, and whose bytes are to be deleted.
    Column("digest", Text, primary_key=True),
)

passages = Table(
    "passages",
    metadata,
    # The row is a passage's key in both engines and in the vectors; it is never used again.
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("article", Integer, ForeignKey("articles.number"), nullable=False, index=True),
    Column("n", Integer, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("heading", Text, nullable=False),
    Column("embedded", Boolean, nullable=False, server_default=false()),
    # The ranges between start and end that are furniture: "120-142 300-331".
    Column("left_out", Text, nullable=False, server_default=""),
)
embedded_texts = Table(
    "embedded_texts",
    metadata,
    # A hash of what was embedded for a passage: the same text gets its vector, not a new one.
    Column(
        "row",
        Integer,
        ForeignKey("passages.row", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("hash", Integer, nullable=False, index=True),
)
Index("unembedded", passages.c.row, sqlite_where=passages.c.embedded.is_(False))


def _of_an_article() -> Column[int]:
    """A key to an article; the row is deleted with the article, also when that is replaced."""
    number = ForeignKey("articles.number", ondelete="CASCADE")
    return Column("article", Integer, number, primary_key=True, autoincrement=False)


signatures = Table(
    "signatures",
    metadata,
    _of_an_article(),
    Column("signature", LargeBinary, nullable=False),
)

seals = Table(
    "seals",
    metadata,
    # For `verify` alone. Articles of earlier releases have none, until they change.
    _of_an_article(),
    Column("seal", LargeBinary, nullable=False),
)

sentences = Table(
    "sentences",
    metadata,
    # The sentences of all articles by the hash of outlet and words; the story is a hash, too.
    Column("hash", Integer, primary_key=True, autoincrement=False),
    Column("story", Integer, primary_key=True, autoincrement=False),
    Column(
        "article",
        Integer,
        ForeignKey("articles.number", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        index=True,
    ),
    sqlite_with_rowid=False,
)

furniture = Table(
    "furniture",
    metadata,
    # The hashes of sentences that are furniture.
    Column("hash", Integer, primary_key=True, autoincrement=False),
)

uncut = Table(
    "uncut",
    metadata,
    # Articles whose passages are to be cut again, as what is furniture has changed.
    _of_an_article(),
)

names = Table(
    "names",
    metadata,
    # Only articles whose names were read: by which model, and what was found, as JSON lists.
    _of_an_article(),
    Column("model", Text, nullable=False),
    Column("people", Text, nullable=False),
    Column("organisations", Text, nullable=False),
    Column("places", Text, nullable=False),
)

touched = Table(
    "touched",
    metadata,
    # The generation in which an article, perhaps gone, was last changed; see touched.py.
    Column("article", Integer, primary_key=True, autoincrement=False),
    Column("generation", Integer, nullable=False, index=True),
)

bands = Table(
    "bands",
    metadata,
    # Which articles may be copies: those whose signatures have the hash of a band in common.
    Column("hash", Integer, primary_key=True, autoincrement=False),
    Column("article", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

unclustered = Table(
    "unclustered",
    metadata,
    # Articles that were signed, signed anew or removed since the clusters were made.
    Column("number", Integer, primary_key=True),
    Column("article", Integer, nullable=False),
    Column("signature", LargeBinary),  # the one before, if there was one
)

clusters = Table(
    "stories",
    metadata,
    # Only articles that have a copy. A cluster is named by the number of its lead.
    _of_an_article(),
    Column("story", Integer, key="cluster", nullable=False, index=True),
    # Within the cluster: the earliest first, then the longest.
    Column("place", Integer, key="rank", nullable=False),
)
