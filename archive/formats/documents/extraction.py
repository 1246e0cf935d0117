"""Writes the texts of a document as lines of JSON, within limits of memory and time.

Runs as a separate process: a damaged PDF may crash its reader's C++, and a document may be a bomb.
"""

import io
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from backfile.archive.formats.documents import packed, pdf, recognition
from backfile.archive.formats.files import LONGEST_TEXT, encoding_of, first_line
from backfile.archive.formats.processes import Message, Source, limit, write
from backfile.archive.model.errors import UnreadableArticle
from backfile.archive.model.settings import recognise_on_one_core

MOST_MEMORY = 400 << 20  # bytes
LONGEST_STEP = 10  # seconds for a document, a page of PDF, or a chapter
# Where scans are recognised; tesseract inherits the first, and has a limit of its own below it.
MEMORY_OF_SCANS, STEP_OF_SCANS = 1 << 30, recognition.MOST_SECONDS + 2 * LONGEST_STEP


def main() -> None:
    """Read the file of the first argument, or standard input; the second is its kind.

    Further ones are for PDF, each may be empty: the path of tesseract and its languages, if scans
    are to be recognised; `clippings`.
    """
    path, kind, *options = sys.argv[1:]
    scans = any(options[:1])
    step = STEP_OF_SCANS if scans else LONGEST_STEP
    limit(MEMORY_OF_SCANS if scans else MOST_MEMORY, step)
    recognise_on_one_core()
    source = Path(path) if path else io.BytesIO(sys.stdin.buffer.read())
    write(messages_of(source, kind, *options), step)


def messages_of(source: Source, kind: str, *options: str) -> Iterator[Message]:
    """Say each text by its `number`, with its fields, or why it is `refused`; then `end`."""
    try:
        yield from KINDS[kind](source, *options)
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


def _pdf(
    source: Source, program: str = "", languages: str = "", clippings: str = ""
) -> Iterator[Message]:
    options = {"program": program, "languages": languages}
    recognise = partial(recognition.recognised, **options) if program else None
    yield from pdf.texts_of(source, recognise, clippings=bool(clippings))


KINDS: dict[str, Callable[..., Iterator[Message]]] = {
    "PDF": _pdf,
    "RTF": _rtf,
    "packed": packed.texts_of,
}
