"""Writes the texts of a document as lines of JSON, within limits of memory and time.

Runs as a separate process: a damaged PDF may crash its reader's C++, and a document may be a bomb.
"""

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from backfile.archive.formats.documents import packed, pdf
from backfile.archive.formats.files import LONGEST_TEXT, encoding_of, first_line
from backfile.archive.formats.processes import Message, Source, limit, write
from backfile.archive.model.errors import UnreadableArticle

MOST_MEMORY = 400 << 20  # bytes
LONGEST_STEP = 10  # seconds for a document, a page of PDF, or a chapter


def main() -> None:
    """Read the file of the first argument, or standard input; the second is its kind."""
    path, kind = sys.argv[1:]
    limit(MOST_MEMORY, LONGEST_STEP)
    source = Path(path) if path else io.BytesIO(sys.stdin.buffer.read())
    write(messages_of(source, kind), LONGEST_STEP)


def messages_of(source: Source, kind: str) -> Iterator[Message]:
    """Say each text by its `number`, with its fields, or why it is `refused`; then `end`."""
    try:
        yield from KINDS[kind](source)
    except UnreadableArticle as refused:
        yield {"refused": refused.reason}
    except (ValueError, MemoryError, *packed.DAMAGED) as exc:
        yield {"refused": f"not a document that can be read ({first_line(exc)})"}
    yield {"end": True}


def _rtf(source: Source) -> Iterator[Message]:
    from striprtf.striprtf import rtf_to_text

    content = source.read_bytes() if isinstance(source, Path) else source.getvalue()
    if len(content) > LONGEST_TEXT:
        raise UnreadableArticle("", f"longer than {LONGEST_TEXT >> 20} MiB")
    text = rtf_to_text(content.decode(encoding_of(content), "replace"), errors="replace")
    paragraphs = (line.strip(" \t|") for line in text.split("\n"))
    yield {"number": 1, "text": "\n\n".join(each for each in paragraphs if each)}


KINDS: dict[str, Callable[[Source], Iterator[Message]]] = {
    "PDF": pdf.texts_of,
    "RTF": _rtf,
    "packed": packed.texts_of,
}
