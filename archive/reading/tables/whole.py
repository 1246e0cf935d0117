"""Finds files that cannot be read as a stream where they lie, or holds them in memory."""

import io
from pathlib import Path

from archive.errors import UnreadableArticle
from archive.reading.files import SourceFile

MOST_HELD = 128 << 20  # bytes of a file that lies in another, or is compressed


def on_disk_or_held(file: SourceFile, opening: bytes) -> Path | bytes:
    """Give the path of a file that begins so on disk, else all its bytes.

    Raises UnreadableArticle where those are too many.
    """
    with file.raw() as stream:
        # Not by its place: what is read may be a copy that was kept of what lay there.
        below = stream.raw
        if isinstance(below, io.FileIO) and stream.peek(len(opening)).startswith(opening):
            return Path(str(below.name))
    with file.open() as stream:
        content = stream.read(MOST_HELD + 1)
    if len(content) > MOST_HELD:
        reason = f"more than {MOST_HELD >> 20} MiB, packed, of what must be read out of order"
        raise UnreadableArticle(file.place, f"{reason}; unpack it first")
    return content
