"""Reads Parquet files, in a process of its own: a damaged one can end whoever reads it."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile, on_disk_or_held
from backfile.archive.formats.records import Read, read_record
from backfile.archive.model.errors import UnreadableArticle

OPENING = b"PAR1"
READER = "import sys; sys.path[:] = {path!r}; from {module} import main; main()"
MODULE = "backfile.archive.formats.tables.parquet_rows"


def read_parquet(file: SourceFile, names: FieldMap) -> Read:
    """Read rows by their number, from 1; only columns that an article can be made of."""
    if not find_spec("pyarrow"):
        reason = "Parquet is read with pyarrow; `pip install 'backfile[parquet]'` brings it"
        raise UnreadableArticle(file.place, reason)
    number, ended = 0, False
    with _reading(on_disk_or_held(file, OPENING), names) as said:
        for message in said:
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
                yield read_record(message["cells"], origin, file, names)
    if not ended:
        reason = "damaged, or made to do harm: reading on took too long or too much memory"
        yield UnreadableArticle(str(file.origin(number + 1)), reason)


@contextmanager
def _reading(found: Path | bytes, names: FieldMap) -> Iterator[Iterator[dict[str, Any]]]:
    """Start the process, which is given the file, or its path, and says a line of JSON a row."""
    asked = [str(found) if isinstance(found, Path) else "", json.dumps(dict(names.chosen))]
    program = READER.format(path=sys.path, module=MODULE)
    # Nothing of the file is in the command but its path, and no shell reads that.
    command = [sys.executable, "-c", program, *asked]
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL) as process:  # noqa: S603
        try:
            if process.stdin and process.stdout:
                with suppress(BrokenPipeError), process.stdin:
                    process.stdin.write(b"" if isinstance(found, Path) else found)
                yield (json.loads(line) for line in process.stdout if line.endswith(b"\n"))
        finally:
            process.kill()
