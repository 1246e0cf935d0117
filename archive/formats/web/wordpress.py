"""Reads the exports of WordPress (WXR): its published posts; the rest is listed."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import (
    ReadResult,
    ReadResults,
    Record,
    Records,
    SourceFile,
    made,
)
from backfile.archive.formats.web.markup import text_of
from backfile.archive.formats.wire.xml import items_in, line_at, line_of, packed, unpacked
from backfile.archive.model.article import Origin
from backfile.archive.model.errors import UnreadableArticle

EXPORT = re.compile(r"xmlns:wp\s*=\s*[\"']https?://wordpress\.org/export/")
NAMES = frozenset(("item", "author"))
POSTS = ("post", "article", "news", "story")  # the first is WordPress's own, others are of themes
PUBLISHED = "publish"
EXCERPT = "excerpt"
# Editors write no paragraphs, but blank lines; codes in brackets are made to pictures and the like.
BLANK_LINES = re.compile(r"\n[ \t\r]*\n")
PARAGRAPH = re.compile(r"<p[\s>]", re.I)
PICTURE_CODE = re.compile(r"\[caption[^\[\]]*\][^\[\]]*\[/caption\]", re.I)
CODE = re.compile(
    r"\[/?(?:caption|gallery|embed|video|audio|playlist|wp_caption)\b[^\[\]]*\]", re.I
)


def is_export(head: str) -> bool:
    """Whether a feed is an export of WordPress."""
    return bool(EXPORT.search(head))


def read_export(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read an export, as `export_records` does."""
    return made(export_records(file, names))


def export_records(file: SourceFile, names: FieldMap) -> Records:
    """Walk the items by their number; drafts, pages and attachments are listed when made."""
    authors: dict[str, str] = {}
    about: dict[str, str] = {}
    make = partial(_post, about=about, names=FieldMap(dates=names.dates))
    number = 0
    for element in items_in(file, NAMES, _mark_excerpts):
        if element.tag == "author":
            login = line_at(element, "author_login")
            authors[login] = line_at(element, "author_display_name") or login
            continue
        number += 1
        if not about and (channel := element.getparent()) is not None:
            about |= {
                "source": line_of(channel.find("title")),
                "language": line_of(channel.find("language")),
            }
        login = line_at(element, "creator")
        content = {
            "item": packed(element, file.place),
            "author": authors.get(login, login) if login else "",
        }
        yield Record(content, file.origin(number), make)
    if not number:
        raise UnreadableArticle(file.place, "an export of WordPress without posts")


def _post(
    content: Mapping[str, Any], origin: Origin, about: Mapping[str, str], names: FieldMap
) -> ReadResult:
    item = unpacked(content["item"])
    if reason := _unpublished(item):
        return UnreadableArticle(str(origin), f"{reason} ({line_at(item, 'title')[:60]})")
    try:
        return article_from({**about, **_record(item, content["author"])}, origin, names)
    except UnreadableArticle:
        return UnreadableArticle(str(origin), "a post with neither title nor text")


def _mark_excerpts(item: Any) -> None:
    """Name the excerpt, which has the name of the content in another namespace."""
    for each in item.iterfind("{*}encoded"):
        if EXCERPT in each.tag:
            each.tag = EXCERPT


def _unpublished(item: Any) -> str:
    """Why an item is no published post; empty for one."""
    kind, status = line_at(item, "post_type") or "post", line_at(item, "status") or PUBLISHED
    if kind not in POSTS:
        return f"of the type {kind[:40]}, not a post"
    if status != PUBLISHED:
        return f"not published, but {status[:40]}"
    return "a post with a password" if line_at(item, "post_password") else ""


def _record(item: Any, author: str) -> dict[str, Any]:
    contents = (*item.iterfind("encoded"), *item.iterfind(EXCERPT))
    texts = (text_in_code(each.text or "") for each in contents)
    written = line_at(item, "post_date")
    sections = (each for each in item.iterfind("category") if each.get("domain") == "category")
    return {
        "id": line_at(item, "guid") or line_at(item, "post_id"),
        "title": line_at(item, "title"),
        "text": next(filter(None, texts), ""),
        "published": written if written.strip("0-: ") else line_at(item, "pubDate"),
        "url": line_at(item, "link"),
        "authors": [author] if author else [],
        "section": next((name for name in map(line_of, sections) if name), ""),
    }


def text_in_code(content: str) -> str:
    """The paragraphs of a post as its editor wrote it.

    >>> text_in_code("Rain <b>fell</b>.\\n\\nSnow, too. [gallery ids='1,2']")
    'Rain fell.\\n\\nSnow, too.'
    """
    content = CODE.sub("", PICTURE_CODE.sub("", content))
    if not PARAGRAPH.search(content):
        content = "".join(f"<p>{each}</p>" for each in BLANK_LINES.split(content))
    return text_of(content)
