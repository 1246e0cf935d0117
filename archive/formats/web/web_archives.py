"""Walks web archives (WARC, ARC) and yields their complete pages."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from backfile.archive.formats.files import SourceFile, open_bytes
from backfile.archive.formats.web.content_codings import StillCoded, decoded
from backfile.archive.formats.web.gzip_members import BREAKS_OFF, DAMAGED, GzipMembers
from backfile.archive.model.errors import UnreadableArticle

OPENINGS = (b"WARC/", b"filedesc://")
PAGE_TYPES = ("text/html", "application/xhtml+xml")
LONGEST_RECORD = 16 << 20  # bytes; the reader of pages has a limit of its own
PIECE = 1 << 16  # bytes
FOUND = "200"
SECOND = 14  # digits of an instant to the second
MALFORMED = (AttributeError, TypeError, LookupError)


def pages_in(file: SourceFile) -> Iterator[SourceFile | UnreadableArticle]:
    """Walk the pages, each with its record's offset; other records are skipped.

    The offset of a packed record is that of its gzip member; where a member holds several records,
    the offset in the unpacked file for all but the first.

    Revisits, whose text is in another record, and damaged records are yielded as refusals.
    """
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    any_found, offset, listed = False, 0, -1
    with file.raw() as stream:
        members = GzipMembers(stream)
        records = ArchiveIterator(members, arc2warc=True)
        while True:
            try:
                record = next(records, None)
                if record is None:
                    break
                offset = members.place_of(int(records.offset))
                found = None
                for found in _page(record, file, offset):
                    any_found = True
                    yield found
                if _is_cut(record) and not isinstance(found, SourceFile):
                    listed = offset
                    place = f"{file.place}!/{_address(record)}:{offset}"
                    yield UnreadableArticle(place, members.trouble or BREAKS_OFF)
            # warcio does not check for required headers; MALFORMED are the errors that follow.
            except (ArchiveLoadFailed, EOFError, ValueError, OSError, *MALFORMED) as exc:
                error = " ".join(str(exc).split())[:80]
                place = f"{file.place}:{members.place_of(int(records.offset))}"
                yield UnreadableArticle(place, members.trouble or f"{DAMAGED} ({error})")
                return
        end = int(records.offset)  # behind the last record
        if members.tell() > end or members.begins_at(end):  # there is a part of another one
            offset, listed = members.place_of(end), -1
            members.trouble = members.trouble or BREAKS_OFF
    if members.trouble and listed != offset:
        yield UnreadableArticle(f"{file.place}:{offset}", members.trouble)
    elif not any_found and listed < 0:
        yield UnreadableArticle(file.place, "no page in it was answered in full (HTML, status 200)")


def _page(record: Any, file: SourceFile, offset: int) -> Iterator[SourceFile | UnreadableArticle]:
    """The page of a record, or the reason to refuse it; nothing for other records."""
    address = _address(record)
    place = f"{file.place}!/{address}"
    if record.rec_type == "revisit":
        yield UnreadableArticle(f"{place}:{offset}", "a revisit; its text is in another record")
        return
    if record.rec_type != "response" or record.http_headers is None:
        return
    header = record.http_headers.get_header
    kind, _, options = (header("Content-Type") or "").partition(";")
    if record.http_headers.get_statuscode() != FOUND or kind.strip().lower() not in PAGE_TYPES:
        return
    content = _body(record).read(LONGEST_RECORD + 1)
    if len(content) <= LONGEST_RECORD:
        if _breaks_off(record, len(content)):
            return
        try:
            content = decoded(content, header("Content-Encoding") or "", LONGEST_RECORD)
        except StillCoded as exc:
            yield UnreadableArticle(f"{place}:{offset}", str(exc))
            return
    if len(content) > LONGEST_RECORD:
        reason = f"longer than {LONGEST_RECORD >> 20} MiB, too long for one page"
        yield UnreadableArticle(f"{place}:{offset}", reason)
        return
    raw = partial(open_bytes, _marked(content, options))
    defaults = {"url": address}
    yield SourceFile(place, f"{file.key}!/{address}", raw, offset, defaults, _captured(record))


def _address(record: Any) -> str:
    return record.rec_headers.get_header("WARC-Target-URI") or ""


def _body(record: Any) -> Any:
    """The body of a response, without chunks, in the codings in which it was sent."""
    from warcio.bufferedreaders import ChunkedDataReader

    chunked = (record.http_headers.get_header("Transfer-Encoding") or "").strip().lower()
    return ChunkedDataReader(record.raw_stream) if chunked == "chunked" else record.raw_stream


def _is_cut(record: Any) -> bool:
    """Whether the file ends before the record; reads the record to its end."""
    while record.raw_stream.read(PIECE):
        pass
    return getattr(record.raw_stream, "limit", 1) > 0


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
