"""Finds files that cannot be read as a stream where they lie, or holds them in memory."""

from pathlib import Path

from archive.errors import UnreadableArticle
from archive.reading.files import SourceFile

MOST_HELD = 128 << 20  # bytes of a file that lies in another, or is compressed


def on_disk_or_held(file: SourceFile, opening: bytes) -> Path | bytes:
    """Give the path of a file that begins so on disk, else all its bytes.

    Raises UnreadableArticle where those are too many.
    """
    path = Path(file.place)
    if path.is_file():
        with file.raw() as stream:
            if stream.peek(len(opening)).startswith(opening):
                return path
    with file.open() as stream:
        content = stream.read(MOST_HELD + 1)
    if len(content) > MOST_HELD:
        reason = f"more than {MOST_HELD >> 20} MiB, packed, of what must be read out of order"
        raise UnreadableArticle(file.place, f"{reason}; unpack it first")
    return content
