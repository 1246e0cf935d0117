"""Writes the articles of a dump of MediaWiki as lines of JSON, within limits of memory and time.

Runs as a separate process: wikitext may be nested so that its parser takes hours.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import mwparserfromhell
from mwparserfromhell.nodes import Template, Text

from backfile.archive.formats.files import SourceFile, open_bytes
from backfile.archive.formats.processes import Message, limit, write
from backfile.archive.formats.wire.xml import LANGUAGE, items_in, line_at
from backfile.archive.model.errors import UnreadableArticle

MOST_MEMORY = 400 << 20  # bytes
LONGEST_STEP = 10  # seconds for a page
NAMES = frozenset(("page", "siteinfo"))
ARTICLES = "0"  # the namespace
# The day of a story on Wikinews: {{date|March 23, 2024}}.
DATE = re.compile(r"\{\{\s*(?:date|datum|fecha|data|дата)\s*\|\s*(?:1=)?([^{}|]+)", re.I)
REDIRECT = re.compile(r"#\s*[^\W\d_]{4,20}\s*:?\s*\[\[")  # of any language: #REDIRECT [[Ferry]]
OTHER_SPACE = re.compile(
    r"(?:(?:user|project|file|image|mediawiki|template|help|category|portal|wikinews)(?: talk)?"
    r"|talk|(?:benutzer |datei )?diskussion|benutzer|datei|vorlage|hilfe|kategorie"
    r"|utilisateur|discussion|modèle|catégorie|usuario|discusión|plantilla|categoría)\s?:",
    re.I,
)
NO_TEXT = re.compile(r"^(?:file|image|category|datei|bild|kategorie|fichier|catégorie):", re.I)
CATEGORY = re.compile(r"^(?:category|kategorie|catégorie|categoría|categoria):(.*)$", re.I | re.S)
ASIDE = ("ref", "references", "gallery", "table", "math", "timeline", "syntaxhighlight")
# Templates that show one of their texts, the first or the last; quotes are paragraphs.
QUOTES = dict.fromkeys(("quote", "cquote", "blockquote"), 0)
SHOWN = {"w": -1, "wikipedia": -1, "lang": -1, "nowrap": -1, "nihongo": 0, **QUOTES}
TEXTS = frozenset(("1", "2", "3", "text", "quote"))
# Sections below a story that are not part of it.
BELOW = re.compile(
    r"^(?:sources?|references?|external links?|related (?:news|articles)|see also|quellen|weblinks"
    r"|einzelnachweise|themenverwandte artikel|voir aussi|liens externes|fuentes|fonti)$",
    re.I,
)


def main() -> None:
    """Read the file of the first argument, or standard input; skip as many pages as the second."""
    limit(MOST_MEMORY, LONGEST_STEP)
    path, skipped = sys.argv[1:]
    if path:
        file = SourceFile.at(Path(path), path)
    else:
        file = SourceFile("", "", partial(open_bytes, sys.stdin.buffer.read()))
    write(messages_of(file, skipped), LONGEST_STEP)


def messages_of(file: SourceFile, skipped: str = "0") -> Iterator[Message]:
    """Say each article by its `number` among the pages, with its fields; then `end`.

    That it is `begun` is said before: it may be the one that ends the process.
    """
    number, about = 0, dict[str, str]()
    try:
        for page in items_in(file, NAMES):
            if page.tag == "siteinfo":
                about = _about(page)
                continue
            number += 1
            if number > int(skipped) and _is_article(page):
                yield {"number": number, "begun": True}
                yield {"number": number, **_record(page, about)}
    except UnreadableArticle as refused:
        yield {"number": number + 1, "refused": refused.reason}
    yield {"end": True}


def _is_article(page: Any) -> bool:
    """Whether a page is neither a redirect nor talk; old dumps show it in text and title only."""
    if page.find("redirect") is not None or REDIRECT.match(line_at(page, "revision/text")):
        return False
    namespace = line_at(page, "ns")
    return namespace == ARTICLES or not (namespace or OTHER_SPACE.match(line_at(page, "title")))


def _about(site: Any) -> dict[str, str]:
    """The name, the address and the language of a wiki."""
    main_page, wiki = line_at(site, "base"), site.getparent()
    return {
        "source": line_at(site, "sitename"),
        "language": (wiki.get(LANGUAGE) or "") if wiki is not None else "",
        "url": f"{main_page.rpartition('/')[0]}/" if main_page.startswith("http") else "",
    }


def _record(page: Any, about: dict[str, str]) -> dict[str, Any]:
    title = line_at(page, "title")
    texts = [each.text or "" for each in page.iterfind("revision/text")]
    written = texts[-1] if texts else ""
    dated = DATE.search(written)
    code = mwparserfromhell.parse(written)
    sections = [
        found[1] for link in code.filter_wikilinks() if (found := CATEGORY.match(str(link.title)))
    ]
    url = about.get("url", "")
    return {
        **about,
        "id": line_at(page, "id"),
        "title": title,
        "text": _text(code),
        "published": dated[1].strip() if dated else "",
        "section": next((each for each in sections if not any(map(str.isdigit, each))), ""),
        "url": f"{url}{title.replace(' ', '_')}" if url else "",
    }


def _text(code: Any) -> str:
    """The paragraphs of a story, without pictures, categories and the sections below it."""
    kept = mwparserfromhell.wikicode.Wikicode([])
    for section in code.get_sections(flat=True, include_lead=True):
        headings = section.filter_headings()
        if headings and BELOW.match(str(headings[0].title.strip_code()).strip()):
            break
        kept.nodes.extend(section.nodes)
    for link in kept.filter_wikilinks(recursive=False):
        if NO_TEXT.match(str(link.title).strip()):
            kept.remove(link)
    for tag in kept.filter_tags(matches=lambda node: str(node.tag).lower() in ASIDE):
        with suppress(ValueError):  # it was in another one, and is gone
            kept.remove(tag)
    _show_templates(kept)
    lines = (line.strip() for line in kept.strip_code().split("\n"))
    return "\n\n".join(line for line in lines if line)


def _show_templates(code: Any) -> None:
    """Replace each template by the text that it shows, the inner ones first."""
    for n, node in enumerate(code.nodes):
        for inner in node.__children__():  # `replace` searches the whole page for each
            _show_templates(inner)
        if isinstance(node, Template):
            code.nodes[n] = Text(_shown(node))


def _shown(template: Any) -> str:
    """The text that a template shows, a quote as a paragraph; empty for most."""
    name = str(template.name).strip().lower()
    values = [each.value for each in template.params if str(each.name).strip() in TEXTS]
    texts = [text for value in values if (text := value.strip_code().strip())]
    if not texts or name not in SHOWN:
        return ""
    text = texts[SHOWN[name]]
    return f"\n{text}\n" if name in QUOTES else text
