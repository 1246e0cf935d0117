"""Walks web archives (WARC, ARC) and yields their complete pages."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from backfile.archive.formats.files import SourceFile, open_bytes
from backfile.archive.model.errors import UnreadableArticle

OPENINGS = (b"WARC/", b"filedesc://")
PAGE_TYPES = ("text/html", "application/xhtml+xml")
LONGEST_RECORD = 16 << 20  # bytes; the reader of pages has a limit of its own
FOUND = "200"
SECOND = 14  # digits of an instant to the second
MALFORMED = (AttributeError, TypeError, LookupError)


def pages_in(file: SourceFile) -> Iterator[SourceFile | UnreadableArticle]:
    """Walk the pages, each with its record's offset in the file; other records are skipped.

    Revisits, whose text is in another record, and damaged records are yielded as refusals.
    """
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    any_found = False
    with file.raw() as stream:
        records = ArchiveIterator(stream, arc2warc=True)
        while True:
            try:
                record = next(records, None)
                if record is None:
                    break
                found = _page(record, file, int(records.offset))
            # warcio does not check for required headers; MALFORMED are the errors that follow.
            except (ArchiveLoadFailed, EOFError, ValueError, OSError, *MALFORMED) as exc:
                error = " ".join(str(exc).split())[:80]
                reason = f"a damaged record; nothing behind it was read ({error})"
                yield UnreadableArticle(f"{file.place}:{stream.tell()}", reason)
                return
            if found:
                any_found = True
                yield found
    if not any_found:
        yield UnreadableArticle(file.place, "no page in it was answered in full (HTML, status 200)")


def _page(record: Any, file: SourceFile, offset: int) -> SourceFile | UnreadableArticle | None:
    address = record.rec_headers.get_header("WARC-Target-URI") or ""
    place = f"{file.place}!/{address}"
    if record.rec_type == "revisit":
        return UnreadableArticle(f"{place}:{offset}", "a revisit; its text is in another record")
    if record.rec_type != "response" or record.http_headers is None:
        return None
    kind, _, options = (record.http_headers.get_header("Content-Type") or "").partition(";")
    if record.http_headers.get_statuscode() != FOUND or kind.strip().lower() not in PAGE_TYPES:
        return None
    content = record.content_stream().read(LONGEST_RECORD + 1)
    if len(content) <= LONGEST_RECORD and _breaks_off(record, len(content)):
        return UnreadableArticle(f"{place}:{offset}", "the record breaks off")
    if len(content) > LONGEST_RECORD:
        reason = f"longer than {LONGEST_RECORD >> 20} MiB, too long for one page"
        return UnreadableArticle(f"{place}:{offset}", reason)
    raw = partial(open_bytes, _marked(content, options))
    defaults = {"url": address}
    return SourceFile(place, f"{file.key}!/{address}", raw, offset, defaults, _captured(record))


def _captured(record: Any) -> int:
    """The time of the fetch as a number, 20240323120000; 0 if unknown.

    It is the article's version: of two fetches of a page, the later one replaces the earlier.
    """
    digits = "".join(filter(str.isdigit, record.rec_headers.get_header("WARC-Date") or ""))
    return int(digits[:SECOND]) if digits[:SECOND].isascii() and len(digits) >= SECOND else 0


def _breaks_off(record: Any, length: int) -> bool:
    """Whether bytes are missing by the record's length, which may be wrong, and by the page's."""
    announced = record.http_headers.get_header("Content-Length") or ""
    whole = announced.isdecimal() and length >= int(announced)
    return getattr(record.raw_stream, "limit", 0) > 0 and not whole


def _marked(content: bytes, options: str) -> bytes:
    """Convert from the declared charset to UTF-8 with a mark; unchanged if that is wrong."""
    _, _, charset = options.lower().partition("charset=")
    try:
        text = content.decode(charset.split(";")[0].strip(" \"'")) if charset else ""
    except (LookupError, UnicodeError):
        return content
    return text.lstrip("\ufeff").encode("utf-8-sig", "replace") if text else content
