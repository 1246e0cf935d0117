"""Updates the translations of pages: `python -m backfile.scripts.translations [CODE...]`.

Each file of web/i18n/translations gets new messages, not yet translated, and loses unused ones. A
CODE without a file, such as `fr`, gets one.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from backfile.web.i18n.languages import WRITTEN, codes

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "web" / "i18n" / "translations"
LAYERS = ("archive", "index", "web")
METHODS = [("**/templates/**.html", "jinja2"), ("templates/**.html", "jinja2"), ("**.py", "python")]
JINJA = {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}
OPTIONS = {pattern: JINJA for pattern, method in METHODS if method == "jinja2"}
KEYWORDS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "Message": None,
    "counted": (1, 2),  # Message.counted
}


def main(arguments: list[str]) -> None:
    """Update the file of each language."""
    for code in sorted({*codes()[1:], *arguments}):
        path = FOLDER / f"{code}.po"
        catalog = write(path, code)
        missing = sum(not all(strings_of(message)) for message in catalog if message.id)
        sys.stdout.write(f"{path.relative_to(ROOT)}: {len(catalog)} messages, {missing} to do\n")


def write(path: Path, code: str) -> Catalog:
    """Update the file of a language, and return its catalogue."""
    catalog = updated(path, code)
    with path.open("wb") as stream:
        write_po(stream, catalog, width=100, include_lineno=False, ignore_obsolete=True)
    return catalog


def updated(path: Path, code: str) -> Catalog:
    """Read the file of a language and update its messages, without fuzzy matching."""
    catalog = Catalog(
        locale=code,
        project="Backfile",
        version="0.1",
        header_comment="# What pages say, in another language: see scripts/translations.py.",
        msgid_bugs_address="-",
        last_translator="-",
        language_team="-",
        revision_date=datetime.now(UTC),
        fuzzy=False,
    )
    if path.exists():
        with path.open("rb") as stream:
            catalog = read_po(stream, locale=code)
    catalog.update(all_messages(), no_fuzzy_matching=True, update_creation_date=False)
    return catalog


def all_messages() -> Catalog:
    """All messages of the pages, without translations."""
    catalog = Catalog(locale=WRITTEN)
    for message, place in extracted():
        catalog.add(message, locations=[(place, 0)])
    return catalog


def extracted() -> Iterator[tuple[str | tuple[str, ...], str]]:
    """Walk the messages of templates and modules, each with its file."""
    for layer in LAYERS:
        found = extract_from_dir(ROOT / layer, METHODS, OPTIONS, KEYWORDS)
        for file, _, message, _, _ in found:
            yield message, f"{layer}/{file}"


def strings_of(message: Message) -> tuple[str, ...]:
    """The translations of a message: one, or the singular and each plural form."""
    string = message.string or ""
    return (string,) if isinstance(string, str) else tuple(string)


if __name__ == "__main__":
    main(sys.argv[1:])
