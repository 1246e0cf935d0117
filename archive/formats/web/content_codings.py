"""Undoes the content codings of HTTP (gzip, deflate, brotli, zstandard), within a limit."""

import io
import re
import zlib
from collections.abc import Callable, Iterator

from backfile.archive.formats.files import GZIP_MAGIC

CODINGS = re.compile(r"[\w-]+")
NOT_CODED = frozenset(("identity", "none", "utf-8"))  # the latter two occur in crawls
GZIP_OR_ZLIB, BARE_DEFLATE = 47, -15  # wbits of zlib
PIECE = 1 << 16  # bytes
PACKED_PIECE = 256  # bytes of zstandard, which may be 8 MiB unpacked
LARGEST_WINDOW = 1 << 23  # bytes; https://www.rfc-editor.org/rfc/rfc9659
OPENING_OF_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<[!?a-zA-Z]")


class StillCoded(Exception):
    """A content that cannot be decoded; its text says why."""


def decoded(content: bytes, codings: str, most: int) -> bytes:
    """Undo the codings of a header `Content-Encoding`, the last one first.

    At most `most` + 1 bytes are returned. A page that was stored without its coding, although the
    header is there, is returned unchanged.

    Raises StillCoded for a coding that is not known, and for content that is damaged or cut short.
    """
    for name in reversed(CODINGS.findall(codings.lower())):
        if name in NOT_CODED or OPENING_OF_PAGE.match(content):
            continue
        if name not in DECODERS:
            raise StillCoded(f"packed in a way that is not known (Content-Encoding: {name[:40]})")
        content = _bounded(DECODERS[name](content), most + 1)
    return content


def _bounded(pieces: Iterator[bytes], most: int) -> bytes:
    found = io.BytesIO()
    for piece in pieces:
        found.write(piece)
        if found.tell() >= most:
            break
    return found.getvalue()[:most]


def _unzipped(content: bytes) -> Iterator[bytes]:
    wbits = GZIP_OR_ZLIB
    try:
        zlib.decompressobj(wbits).decompress(content, 1)
    except zlib.error:
        wbits = BARE_DEFLATE  # what some servers call deflate
    while content:
        unpacking, rest = zlib.decompressobj(wbits), content
        try:
            while piece := unpacking.decompress(rest, PIECE):
                yield piece
                rest = unpacking.unconsumed_tail
        except zlib.error as exc:
            raise StillCoded("its packed content is damaged") from exc
        if not unpacking.eof:
            raise StillCoded("its packed content breaks off")
        content = unpacking.unused_data
        content = content if content.startswith(GZIP_MAGIC) else b""


def _from_brotli(content: bytes) -> Iterator[bytes]:
    import brotli

    unpacking = brotli.Decompressor()
    try:
        while not unpacking.is_finished():
            piece = unpacking.process(content, output_buffer_limit=PIECE)
            if not piece:
                raise StillCoded("its packed content breaks off")
            yield piece
            content = b""
    except brotli.error as exc:
        raise StillCoded("its packed content is damaged") from exc


def _from_zstandard(content: bytes) -> Iterator[bytes]:
    import zstandard

    while content:
        unpacking = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW).decompressobj()
        try:
            for start in range(0, len(content), PACKED_PIECE):
                end = start + PACKED_PIECE
                yield unpacking.decompress(content[start:end])
                if unpacking.eof:
                    content = unpacking.unused_data + content[end:]
                    break
        except zstandard.ZstdError as exc:
            raise StillCoded("its packed content is damaged") from exc
        if not unpacking.eof:
            raise StillCoded("its packed content breaks off")
        content = content if content.startswith(zstandard.FRAME_HEADER) else b""


DECODERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": _unzipped,
    "x-gzip": _unzipped,
    "deflate": _unzipped,
    "br": _from_brotli,
    "zstd": _from_zstandard,
}
