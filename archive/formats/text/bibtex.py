"""Writes the entries of a file of BibTeX as lines of JSON, within limits of memory and time.

Runs as a separate process: pybtex has no limits of its own.
"""

import io
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pybtex.database import BibliographyData, PybtexError
from pybtex.database.input.bibtex import DuplicateField, Parser, UndefinedMacro
from pybtex.richtext import Text

from backfile.archive.formats.files import encoding_of, first_line
from backfile.archive.formats.processes import Message, Source, limit, write

MOST_MEMORY = 400 << 20  # bytes
LONGEST_STEP = 20  # seconds to parse the file, and for each entry
MOST_ERRORS = 1_000
OUTLETS = ("journal", "journaltitle", "newspaper", "booktitle", "publisher", "howpublished")
BRACE = re.compile(r"\\textbrace(left|right) ?")  # pybtex does not know these two
# Commands for the shape of letters, which pybtex leaves in.
SHAPE = re.compile(
    r"(?<!\\)\\(?:(?:emph|enquote|underline|url|text(?:it|bf|tt|sc|rm|sf|sl|up|normal))\s*(?=\{)"
    r"|(?:em|it|bf|tt|sc|rm|sf|sl|itshape|bfseries)(?![A-Za-z])\s*)"
)
PARAGRAPH = re.compile(r"\s*\\par(?![A-Za-z])\s*")
DATES = ("date", "issue_date")
DATED = (*DATES, "year", "month", "day")
INHERITED = (*OUTLETS, *DATED, "language", "langid")


def main() -> None:
    """Read the file of the first argument, or standard input."""
    limit(MOST_MEMORY, LONGEST_STEP)
    path = sys.argv[1]
    source = Path(path) if path else io.BytesIO(sys.stdin.buffer.read())
    write(messages_of(source), LONGEST_STEP)


def messages_of(source: Source) -> Iterator[Message]:
    """Say each entry by its `number`, with the fields of an article; then `end`."""
    content = source.read_bytes() if isinstance(source, Path) else source.getvalue()
    parser = _Parser()
    try:
        parser.parse_string(content.decode(encoding_of(content), "replace"))
    except (PybtexError, ValueError, IndexError, RecursionError) as exc:
        parser.errors.append(exc)
    for error in parser.errors:
        yield {"refused": f"not BibTeX at some place ({first_line(error)})"}
    known = set[str]()
    parents = {key.lower(): entry.fields for key, entry in reversed(parser.found)}
    for number, (key, entry) in enumerate(parser.found, 1):
        parent = parents.get(entry.fields.get("crossref", "").lower(), {})
        yield {"number": number, **_record("" if key in known else key, entry, parent)}
        known.add(key)
    yield {"end": True}


class _Parser(Parser):  # type: ignore[misc]
    """Goes on behind errors, and takes entries of the same key."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, Any]] = []
        self.errors: list[Exception] = []

    def process_entry(self, entry_type: str, key: str, fields: Any) -> None:
        self.data = BibliographyData()
        super().process_entry(entry_type, key, fields)
        self.found += self.data.entries.items()

    def handle_error(self, error: Exception) -> None:
        if isinstance(error, DuplicateField | UndefinedMacro):
            return  # the entry is read
        if len(self.errors) >= MOST_ERRORS:
            raise error
        self.errors.append(error)


def _record(key: str, entry: Any, parent: Mapping[str, str]) -> dict[str, Any]:
    """The fields of an article; what the entry lacks is taken from the one that it refers to.

    The title of that one is the name of the outlet, as BibTeX has it.
    """
    inherited = {name.lower(): value for name, value in parent.items()}
    inherited["booktitle"] = inherited.get("booktitle") or inherited.get("title", "")
    own = {name.lower(): value for name, value in entry.fields.items()}
    is_dated = any(own.get(name) for name in (*DATES, "year"))
    wanted = (name for name in INHERITED if not (is_dated and name in DATED))
    fields = {name: _plain(inherited[name]) for name in wanted if inherited.get(name)}
    fields |= {name: _plain(value) for name, value in own.items()}
    dated = [fields.get(name, "") for name in ("year", "month", "day")]
    written = "-".join(part.zfill(2) for part in dated if part)
    if dated[1] and not dated[1].isdecimal():
        written = " ".join(reversed([part for part in dated if part]))
    return {
        "id": fields.get("id") or key,
        "title": fields.get("title", ""),
        "text": "\n\n".join(map(_plain, PARAGRAPH.split(own.get("abstract", "")))),
        "text_kind": "abstract" if fields.get("abstract") else "",
        "published": next((fields[name] for name in DATES if fields.get(name)), written),
        "source": next((fields[name] for name in OUTLETS if fields.get(name)), ""),
        "authors": [_plain(str(person)) for person in entry.persons.get("author", ())],
        "section": fields.get("section", ""),
        "language": fields.get("language") or fields.get("langid") or "",
        "url": entry.fields.get("url", ""),
    }


def _plain(latex: str) -> str:
    """A value without its braces and commands of LaTeX."""
    latex = SHAPE.sub("", latex)
    try:
        return BRACE.sub(lambda found: "{}"[found[1] == "right"], str(Text.from_latex(latex)))
    except (PybtexError, ValueError, IndexError, RecursionError):
        return latex
