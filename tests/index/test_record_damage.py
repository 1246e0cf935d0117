"""A bit of the catalogue is flipped: `verify` finds it, or nothing that is stored has changed."""

import json
import random
import sqlite3
from contextlib import closing

import pytest

from backfile.archive.model.errors import ArchiveError
from backfile.index.indexing.verify import verify
from tests.builders import engines_in, fill, write_news

pytestmark = [pytest.mark.crash, pytest.mark.long]
SEALED = {"articles", "passages", "signatures"}
FEW, MANY = 30, 900


@pytest.fixture
def archive(tmp_path):
    """An archive with earlier versions."""
    folder, news = tmp_path / "archive", write_news(tmp_path / "news.jsonl", articles=40)
    engines = engines_in(folder, in_memory=False)
    fill(engines, news)
    articles = [json.loads(line) for line in news.read_text().splitlines()]
    for article in articles[:10]:
        article["text"] += " It rained."
    news.write_text("".join(json.dumps(article) + "\n" for article in articles))
    fill(engines, news)
    engines.catalog.close()
    with closing(sqlite3.connect(folder / "catalog.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder


def stored(path):
    """The rows of each table as bytes; None for a table that cannot be read."""
    found = {}
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        try:
            chosen = "SELECT name FROM sqlite_master WHERE type = 'table'"
            tables = [name.decode(errors="replace") for (name,) in connection.execute(chosen)]
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            return {}
        for table in tables:
            try:
                found[table] = connection.execute(f'SELECT * FROM "{table}" ORDER BY 1').fetchall()
            except (sqlite3.DatabaseError, UnicodeDecodeError):  # of a name
                found[table] = None
    return found


def problems(folder):
    try:
        engines = engines_in(folder, in_memory=False)
    except ArchiveError as exc:
        return [str(exc)]
    try:
        return [str(problem) for problem in verify(engines)]
    except ArchiveError as exc:
        return [str(exc)]
    finally:
        engines.catalog.close()


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
@pytest.mark.timeout(3600)
def test_a_flipped_bit_is_found_or_changes_nothing(count, archive):
    record = archive / "catalog.db"
    content, before = record.read_bytes(), stored(record)
    chosen = random.Random(count)
    for _ in range(count):
        place, bit = chosen.randrange(len(content)), chosen.randrange(8)
        for path in archive.glob("catalog.db*"):
            path.unlink()
        damaged = bytearray(content)
        damaged[place] ^= 1 << bit
        record.write_bytes(damaged)
        after = stored(record)
        names = before.keys() | after.keys()
        changed = {name for name in names if before.get(name) != after.get(name)}
        assert not changed & SEALED or problems(archive), (place, bit, changed)
