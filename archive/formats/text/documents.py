"""Reads files with one article as text: the native format, plain text and Markdown."""

import re
from typing import Any

from backfile.archive.formats.cleaning import CleanText, clean_text
from backfile.archive.formats.dates.parsing import is_date
from backfile.archive.formats.dates.spans import read_span
from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import ReadResults, SourceFile
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle

NATIVE_OPENING = re.compile(r"\s*date[ \t]+(\d{4}-\d{2}(?:-\d{2})?)\s+(?=\S)", re.IGNORECASE)
FRONT_MATTER = re.compile(r"\s*---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
YAML_NULLS = ("null", "Null", "NULL", "~")
LONGEST_TITLE = 200  # characters; a longer first line is a lead


def read_native(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read ` date YYYY-MM-DD The lead…`, with headings on lines of their own, without headline.

    The date may be a month.
    """
    text = file.read_text()
    if opening := NATIVE_OPENING.match(text):
        record = {"published": opening[1], "text": text[opening.end() :]}
        yield _article(record, file, names)


def read_plain(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read a text: a short first line is the title, a second line with a date alone is the day."""
    yield _article(titled(clean_text(file.read_text())), file, names)


def read_markdown(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read front matter, the first heading as the title, and the rest without its markup."""
    text = file.read_text().replace("\r\n", "\n").lstrip("\ufeff")
    record: dict[str, Any] = {}
    if opening := FRONT_MATTER.match(text):
        record = _front_matter(opening[1], file)
        text = text[opening.end() :]
    blocks = _blocks(text)
    if not names.find(record).get("title") and blocks and blocks[0][0] == "heading":
        record["title"] = blocks.pop(0)[1]
    record["text"] = "\n\n".join(content for _, content in blocks)
    yield _article(record, file, names)


def _article(record: dict[str, Any], file: SourceFile, names: FieldMap) -> Article:
    return article_from(record, file.origin(), names, file.defaults, file_name=file.key)


def titled(text: str) -> dict[str, str]:
    """Cut a cleaned text into title, date and the rest."""
    first, _, rest = text.partition("\n")
    title = first.strip()
    if not title or len(title) > LONGEST_TITLE or not rest.strip():
        return {"text": CleanText(text)}
    record = {"title": title, "text": CleanText(rest)}
    second, _, after = rest.lstrip().partition("\n")
    if after.strip() and (is_date(second) or _is_month(second)):
        record |= {"published": second, "text": CleanText(after)}
    return record


def _is_month(line: str) -> bool:
    """Whether a line is a month or months alone; figures alone may be the years of a life."""
    return any(map(str.isalpha, line)) and read_span(line) is not None


def _front_matter(block: str, file: SourceFile) -> dict[str, Any]:
    import yaml

    try:
        # Scalars remain text as written: `id: 007`, `title: No`, a date with its offset.
        record = yaml.BaseLoader(block).get_single_data()
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        reason = f"front matter is not YAML ({str(exc).splitlines()[0]})"
        raise UnreadableArticle(file.place, reason) from exc
    if not isinstance(record, dict):
        raise UnreadableArticle(file.place, "front matter is not a list of `name: value`")
    return {str(key): value for key, value in record.items() if value not in YAML_NULLS}


def _blocks(markdown: str) -> list[tuple[str, str]]:
    """Cut Markdown into (kind, plain text) blocks; kind is `heading` or `text`."""
    from markdown_it import MarkdownIt

    blocks: list[tuple[str, str]] = []
    kind = "text"
    for token in MarkdownIt("commonmark").parse(markdown):
        if token.type == "heading_open":
            kind = "heading"
        elif token.type == "inline":
            content = "".join(_inline(child) for child in token.children or ())
            blocks.append((kind, content.strip()))
            kind = "text"
        elif token.type in ("fence", "code_block"):
            blocks.append(("text", token.content.strip()))
    return [block for block in blocks if block[1]]


def _inline(token: Any) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    return token.content if token.type in ("text", "code_inline", "image") else ""
