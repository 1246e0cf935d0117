"""Knows web pages that a program saved: MHTML, SingleFile, and pages behind something else."""

import re
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.message import Message
from functools import partial

from backfile.archive.formats.files import SourceFile, encoding_of, open_bytes
from backfile.archive.model.errors import UnreadableArticle

# Headers of programs that save pages, and of mail, which may have the parts of a page too.
SAVED = re.compile(
    rb"^(?:Snapshot-Content-Location|X-MAF-Information)\s*:|^From:[^\r\n]*Saved by", re.I | re.M
)
LOCATED = re.compile(rb"^Content-Location\s*:", re.I | re.M)
FROM = re.compile(rb"^From\s*:", re.I | re.M)
SENT = re.compile(rb"^(?:To|Received|Message-ID)\s*:", re.I | re.M)
RELATED = re.compile(rb"^Content-Type:\s*multipart/related", re.I | re.M)
PARTS = re.compile(rb"^Content-Type:\s*multipart/", re.I | re.M)
ONE_PART = re.compile(rb"^Content-Type:\s*(?:text/html|application/xhtml\+xml)", re.I | re.M)
HTML = ("text/html", "application/xhtml+xml")
HEADERS = 1 << 14  # bytes
DEEPEST = 5  # levels of parts
SAVED_FROM = re.compile(
    rb"<!--\s*(?:saved from url=\(\d+\)|Page saved with SingleFile\s+url:\s*)"
    rb"(https?://[^\s<>\"]+)", re.I
)  # fmt: skip
BEGINNING = re.compile(r"<!doctype\s+html|<html\b", re.I)
PAGE_SUFFIXES = frozenset((".html", ".htm", ".xhtml", ".shtml", ".php", ".asp", ".aspx", ".jsp"))
# Of a page; a mere fragment has the latter.
PAGE_TAG = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.I)
ANY_TAG = re.compile(r"</?(?:p|div|h[1-6]|table|section|article|span|br|a|title|meta)\b", re.I)


def is_page_by_suffix(suffix: str, head: str) -> bool:
    """Whether a file with a suffix of web pages, or none, is one, whatever stands before it."""
    if suffix in PAGE_SUFFIXES:
        return bool(PAGE_TAG.search(head) or ANY_TAG.search(head))
    return not suffix and len(set(map(str.lower, PAGE_TAG.findall(head)))) > 1


def from_its_beginning(markup: str) -> str:
    """A page without what a program wrote before it, such as its warnings."""
    found = BEGINNING.search(markup)
    return markup[found.start() :] if found else markup


def saved_from(content: bytes) -> str:
    """The address that a browser, or SingleFile, wrote into a page that it saved; or nothing."""
    found = SAVED_FROM.search(content[:HEADERS])
    return found[1].decode("ascii", "replace") if found else ""


def is_mhtml(content: bytes) -> bool:
    """Whether the headers at the beginning of a file are those of a saved page, not of mail."""
    head = content[:HEADERS]
    head = head[: end.start()] if (end := re.search(rb"\r?\n\r?\n", head)) else head
    if SAVED.search(head):
        return bool(PARTS.search(head) or ONE_PART.search(head))
    if not RELATED.search(head) or SENT.search(head):
        return False
    return bool(LOCATED.search(head)) or not FROM.search(head)  # Word writes neither


def page_in(content: bytes, file: SourceFile) -> SourceFile | None:
    """The page in a file of MHTML, with its address; None if the content is another message.

    Raises UnreadableArticle for MHTML without a page, or that cannot be parsed.
    """
    if not is_mhtml(content):
        return None
    try:
        message = message_from_bytes(content)
        page = next((part for part in _parts(message) if part.get_content_type() in HTML), None)
        if page is None:
            raise UnreadableArticle(file.place, "a saved page (MHTML) without HTML in it")
        markup, address = _in_utf8(page), _address(message, page)
    except (ValueError, LookupError, TypeError, AssertionError, RecursionError) as exc:
        reason = f"not a saved page that can be read ({type(exc).__name__})"
        raise UnreadableArticle(file.place, reason) from exc
    return replace(
        file, raw=partial(open_bytes, markup), defaults={**file.defaults, "url": address}
    )


def _address(message: Message, page: Message) -> str:
    locations = (message["Snapshot-Content-Location"], page["Content-Location"])
    found = next((str(each) for each in locations if each), "")
    address = "".join(found.split())  # a long header is folded
    return address if address.startswith(("http://", "https://")) else ""


def _parts(message: Message, depth: int = 0) -> Iterator[Message]:
    payload = message.get_payload()
    if not isinstance(payload, list) or depth > DEEPEST:
        yield message
        return
    for part in payload:
        if isinstance(part, Message):
            yield from _parts(part, depth + 1)


def _in_utf8(page: Message) -> bytes:
    content = page.get_payload(decode=True)
    content = content if isinstance(content, bytes) else b""
    try:
        text = content.decode(page.get_content_charset() or encoding_of(content))
    except (LookupError, UnicodeError):
        return content
    return text.lstrip("\ufeff").encode("utf-8-sig", "replace")
