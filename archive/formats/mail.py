"""Reads mail such as newsletters: single messages, and mailboxes in the mbox format."""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import parseaddr
from typing import Any

from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import (
    LONGEST_TEXT,
    ReadResults,
    Record,
    Records,
    SourceFile,
    encoding_of,
    made,
)
from backfile.archive.formats.web import saved_pages
from backfile.archive.formats.web.markup import text_of
from backfile.archive.formats.web.pages import read_page
from backfile.archive.model.article import Origin
from backfile.archive.model.errors import UnreadableArticle
from backfile.archive.model.ids import with_part_id

HEADER = re.compile(rb"[!-9;-~]+:(?=[ \t\r\n])")
MARKS = frozenset(
    (b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"received",
     b"return-path", b"delivered-to", b"content-type", b"list-id", b"reply-to", b"sender")
)  # fmt: skip
LEAST_MARKS = 3
# Headers that only mail has: with one of these, a second mark is enough.
PROOFS = frozenset(
    (b"delivered-to", b"received", b"return-path", b"message-id", b"x-received", b"envelope-to",
     b"dkim-signature", b"arc-seal", b"x-original-to", b"authentication-results")
)  # fmt: skip
LONGEST_HEADER = 2_000  # characters; decoding time grows with the square
LONGEST_MARKUP = 2 << 20  # characters; at worst 1.6 s a MiB; newsletters have a tenth of it
MOST_PARTS = 500
MOST_BOUNDARIES = 10_000  # each makes an object, read or not
# Parsing the parameters of these headers takes time that grows with the square.
PARAMETERS = re.compile(
    rb"(?:^|[\r\n])content-(?:type|disposition)[^\r\n]*(?:\r?[\r\n][ \t][^\r\n]*)*", re.I
)
LONGEST_PARAMETERS = 10_000
DEEPEST = 20  # levels of nested parts
DEEPEST_MESSAGE = 5  # levels of forwarded messages
LINK = re.compile(r"\S*https?://\S+")
ENOUGH = 0.5  # of the words of the plain form; HTML with fewer is a notice, or only pictures


def is_message(head: bytes) -> bool:
    """Whether a file begins with headers of mail, or of a page saved as MHTML.

    These are three that are typical, or two with a proof, or those of a page.
    """
    names: set[bytes] = set()
    head = head.lstrip(b"\xef\xbb\xbf")
    if not HEADER.match(head):  # the quick answer for nearly all other files
        return False
    for line in re.split(rb"\r?\n|\r", head)[:200]:
        if line[:1] in (b" ", b"\t") and names:
            continue
        found = HEADER.match(line)
        if not found:
            break
        names.add(found[0][:-1].lower())
    is_mail = len(names & MARKS) >= LEAST_MARKS - bool(names & PROOFS)
    return is_mail or saved_pages.is_mhtml(head)


def read_message(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read a file with one message, and the messages attached to it; or a page saved as MHTML."""
    content = file.read_bytes()
    page = None if _hostile(content) else saved_pages.page_in(content, file)
    if page:
        yield from read_page(page, names)
    else:
        yield from articles_in(content, file.origin())


def articles_in(content: bytes, origin: Origin) -> ReadResults:
    """Read a message and the messages attached to it, each as an article; raise nothing."""
    if trouble := _hostile(content):
        yield UnreadableArticle(str(origin), trouble)
        return
    try:
        message = message_from_bytes(content)
        yield from _articles(message, origin)
    # These are raised by `email` for a header, an encoding or a nesting that it cannot parse.
    except (ValueError, LookupError, TypeError, AssertionError, RecursionError) as exc:
        error = " ".join(str(exc).split())[:80]
        reason = f"not a message that can be read ({type(exc).__name__}: {error})"
        yield UnreadableArticle(str(origin), reason)


def _hostile(content: bytes) -> str:
    """Why parsing a message would take minutes or gigabytes; empty for a normal message."""
    if content.count(b"\n--") + content.count(b"\r--") > MOST_BOUNDARIES:
        return f"more than {MOST_BOUNDARIES:,} parts"
    if any(len(found[0]) > LONGEST_PARAMETERS for found in PARAMETERS.finditer(content)):
        return f"a header of more than {LONGEST_PARAMETERS:,} characters"
    return ""


def _articles(message: Message, origin: Origin, depth: int = 0) -> ReadResults:
    parts = list(_parts(message))
    attached = [part for part in parts if part.get_content_type() == "message/rfc822"]
    text = _text(parts)
    if text:
        try:
            article = article_from({**_about(message), "text": text}, origin, FieldMap())
            yield with_part_id(article) if depth else article
        except UnreadableArticle as refused:
            yield refused
    elif not attached:
        yield UnreadableArticle(str(origin), _nothing_in(parts))
    if attached and depth == DEEPEST_MESSAGE:
        yield UnreadableArticle(str(origin), f"more than {DEEPEST_MESSAGE} messages in one another")
        return
    for part in attached:
        for inner in _inner(part):
            yield from _articles(inner, origin, depth + 1)


def _parts(message: Message) -> Iterator[Message]:
    """Walk the parts in order, without the parts of attached messages."""
    waiting = [(message, 0)]
    for _ in range(MOST_PARTS):
        if not waiting:
            return
        part, depth = waiting.pop()
        inner = _inner(part)
        if inner and part.get_content_maintype() == "multipart" and depth < DEEPEST:
            waiting += [(each, depth + 1) for each in reversed(inner)]
        else:
            yield part


def _inner(part: Message) -> list[Message]:
    payload = part.get_payload()
    parts = payload if isinstance(payload, list) else []
    return [each for each in parts if isinstance(each, Message)]


def _text(parts: list[Message]) -> str:
    """The text of the HTML form, or the plain form if that has many more words."""
    plain = _joined(parts, "text/plain")
    fragment = _joined(parts, "text/html")
    marked = text_of(fragment) if len(fragment) <= LONGEST_MARKUP else ""
    if _words(marked) >= ENOUGH * _words(plain):
        return marked
    return plain


def _joined(parts: list[Message], kind: str) -> str:
    found = (_decoded(part) for part in parts if part.get_content_type() == kind)
    return "\n\n".join(text for text in found if text.strip())


def _words(text: str) -> int:
    return len(LINK.sub("", text).split())


def _decoded(part: Message) -> str:
    if part.get_content_disposition() == "attachment":
        return ""
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    return _unwrapped(_as_text(content, part.get_content_charset()), part)


def _as_text(content: bytes, encoding: str | None) -> str:
    """Decode by the declared encoding; in the likeliest one if none or a wrong one is declared."""
    try:
        return content.decode(
            "cp1252" if encoding in ("iso-8859-1", "us-ascii") else encoding or ""
        )
    except (LookupError, ValueError):
        return content.decode(encoding_of(content), "replace")


def _unwrapped(text: str, part: Message) -> str:
    """Join lines that were wrapped as format=flowed; https://www.rfc-editor.org/rfc/rfc3676"""
    if str(part.get_param("format", "")).lower() != "flowed":
        return text
    space = "" if str(part.get_param("delsp", "")).lower() == "yes" else " "
    return re.sub(r"(?<!\n--) \r?\n(?=[^\s>])", space, text)


def _about(message: Message) -> dict[str, Any]:
    raw = {name.casefold(): value for name, value in reversed(list(message.raw_items()))}
    headers = {name: _header(raw.get(name, "")) for name in ("subject", "list-id", "date")}
    name, address = parseaddr(_header(raw.get("from", "")))
    archived = _header(raw.get("archived-at", "")).strip("<> ")
    return {
        "id": _header(raw.get("message-id", "")).strip("<> "),
        "title": headers["subject"],
        "published": re.sub(r"\s*\(.*?\)\s*$", "", headers["date"]),
        "source": name or address.rpartition("@")[2],
        "section": headers["list-id"].partition("<")[0].strip(' "'),
        "language": _header(raw.get("content-language", "")).partition(",")[0],
        "url": archived if archived.lower().startswith(("http://", "https://")) else "",
    }


def _header(raw: Any) -> str:
    """Decode the value of a header: RFC 2047 words, and raw bytes from old mail programs."""
    value = " ".join(str(raw)[:LONGEST_HEADER].split())
    if not value.isascii():
        content = value.encode("utf-8", "surrogateescape")
        value = content.decode(encoding_of(content), "replace")
    try:
        return "".join(
            _as_text(piece, charset) if isinstance(piece, bytes) else piece
            for piece, charset in decode_header(value)
        )
    except (HeaderParseError, ValueError):
        return value


def _nothing_in(parts: list[Message]) -> str:
    kinds = ", ".join(sorted({part.get_content_type() for part in parts}))[:100]
    if any(len(part.get_payload()) > LONGEST_MARKUP for part in parts):
        return f"longer than {LONGEST_MARKUP >> 20} MiB ({kinds})"
    if "encrypted" in kinds or "pkcs7-mime" in kinds:
        return "it is encrypted"
    return f"no text in the message ({kinds})"


# "From ferry@courier.example Sat Mar 23 07:00:00 2024": who sent it, and when it came.
DIVIDER = re.compile(rb"From \S.*\d\d:\d\d.*\d{4}")
LONGEST_DIVIDER = 500  # bytes
QUOTED = re.compile(rb"^>(>*From )", re.M)  # as in mboxrd; mboxo is read the same way


def is_mailbox(head: bytes) -> bool:
    """Whether the first two lines are those of a mailbox."""
    first, _, rest = head.lstrip(b"\r\n").partition(b"\n")
    return bool(
        DIVIDER.match(first[:LONGEST_DIVIDER])
        and (HEADER.match(rest) or rest.startswith(b">From "))
    )


def read_mailbox(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read a mailbox, as `mailbox_records` does."""
    return made(mailbox_records(file, names))


def mailbox_records(file: SourceFile, _: FieldMap) -> Records:
    """Walk the messages by their number, from 1."""
    for number, content in enumerate(_messages(file), 1):
        if content is None:
            reason = f"a message of more than {LONGEST_TEXT >> 20} MiB"
            yield UnreadableArticle(str(file.origin(number)), reason)
        else:
            yield Record(content, file.origin(number), _from_mailbox)


def _from_mailbox(content: bytes, origin: Origin) -> ReadResults:
    return articles_in(QUOTED.sub(rb"\1", content), origin)


def _messages(file: SourceFile) -> Iterator[bytes | None]:
    """Cut the file at its dividing lines; None replaces a message that is too long."""
    lines: list[bytes] = []
    length, began, after_blank = 0, False, True
    with file.open() as stream:
        while line := stream.readline(LONGEST_TEXT):
            if after_blank and DIVIDER.match(line[:LONGEST_DIVIDER]):
                if began:
                    yield b"".join(lines) if length <= LONGEST_TEXT else None
                lines, length, began = [], 0, True
            elif began:
                length += len(line)
                lines = lines if length <= LONGEST_TEXT else []
                lines.append(line)
            after_blank = not line.strip(b"\r\n")
    if began:
        yield b"".join(lines) if length <= LONGEST_TEXT else None
