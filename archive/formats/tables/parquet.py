"""Reads Parquet files in a separate process, as a damaged file can crash its reader."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import ReadResults, SourceFile, path_or_bytes
from backfile.archive.formats.records import read_record
from backfile.archive.model.errors import UnreadableArticle

MAGIC = b"PAR1"
READER = "import sys; sys.path[:] = {path!r}; from {module} import main; main()"
MODULE = "backfile.archive.formats.tables.parquet_rows"


def read_parquet(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read rows, numbered from 1, with the columns that may map to a field of an article."""
    if not find_spec("pyarrow"):
        reason = "Parquet is read with pyarrow; `pip install 'backfile[parquet]'` brings it"
        raise UnreadableArticle(file.place, reason)
    number, ended = 0, False
    with _reading(path_or_bytes(file, MAGIC), names) as messages:
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
                yield read_record(message["cells"], origin, names)
    if not ended:
        reason = "damaged, or made to do harm: reading on took too long or too much memory"
        yield UnreadableArticle(str(file.origin(number + 1)), reason)


@contextmanager
def _reading(found: Path | bytes, names: FieldMap) -> Iterator[Iterator[dict[str, Any]]]:
    """Start the process with the file or its path; it writes a line of JSON for each row."""
    arguments = [str(found) if isinstance(found, Path) else "", json.dumps(dict(names.chosen))]
    program = READER.format(path=sys.path, module=MODULE)
    # Only the path of the file is in the command, and there is no shell.
    command = [sys.executable, "-c", program, *arguments]
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL) as process:  # noqa: S603
        try:
            if process.stdin and process.stdout:
                with suppress(BrokenPipeError), process.stdin:
                    process.stdin.write(b"" if isinstance(found, Path) else found)
                yield (json.loads(line) for line in process.stdout if line.endswith(b"\n"))
        finally:
            process.kill()
