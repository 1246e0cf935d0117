"""Reads Parquet files in a separate process, as a damaged file can crash its reader."""

import json
from functools import partial
from importlib.util import find_spec

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import (
    ReadResults,
    Record,
    Records,
    SourceFile,
    made,
    path_or_bytes,
)
from backfile.archive.formats.processes import TOO_MUCH, reading
from backfile.archive.formats.records import read_record
from backfile.archive.model.errors import UnreadableArticle

MAGIC = b"PAR1"
MODULE = "backfile.archive.formats.tables.parquet_rows"


def read_parquet(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read a table, as `parquet_records` does."""
    return made(parquet_records(file, names))


def parquet_records(file: SourceFile, names: FieldMap) -> Records:
    """Walk rows, numbered from 1, with the columns that may map to a field of an article."""
    if not find_spec("pyarrow"):
        reason = "Parquet is read with pyarrow; `pip install 'backfile[parquet]'` brings it"
        raise UnreadableArticle(file.place, reason)
    number, ended, make = 0, False, partial(read_record, names=names)
    found, chosen = path_or_bytes(file, MAGIC), json.dumps(dict(names.chosen))
    with reading(MODULE, found, chosen) as messages:
        for message in messages:
            if "refused" in message and not message["row"]:
                raise UnreadableArticle(file.place, message["refused"])
            ended = "end" in message
            if ended:
                break
            number = message["row"]
            origin = file.origin(number)
            if "refused" in message:
                yield UnreadableArticle(str(origin), message["refused"])
            else:
                yield Record(message["cells"], origin, make)
    if not ended:
        yield UnreadableArticle(str(file.origin(number + 1)), TOO_MUCH)
