"""Brings the translations of pages up to date: `python -m backfile.scripts.translations [CODE...]`.

Each file of web/i18n/translations gets the new messages, still to be translated, and loses those
that are no longer used. A CODE without a file, such as `fr`, gets one.
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
    """Write the file of each language anew."""
    for code in sorted({*codes()[1:], *arguments}):
        path = FOLDER / f"{code}.po"
        catalog = write(path, code)
        missing = sum(not all(translated(message)) for message in catalog if message.id)
        sys.stdout.write(f"{path.relative_to(ROOT)}: {len(catalog)} messages, {missing} to do\n")


def write(path: Path, code: str) -> Catalog:
    """Write a language's file anew, and say what it holds."""
    catalog = updated(path, code)
    with path.open("wb") as stream:
        write_po(stream, catalog, width=100, include_lineno=False, ignore_obsolete=True)
    return catalog


def updated(path: Path, code: str) -> Catalog:
    """Read a language's file, and bring it up to date; none is guessed of another."""
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
    catalog.update(spoken(), no_fuzzy_matching=True, update_creation_date=False)
    return catalog


def spoken() -> Catalog:
    """All that pages may say."""
    catalog = Catalog(locale=WRITTEN)
    for message, place in extracted():
        catalog.add(message, locations=[(place, 0)])
    return catalog


def extracted() -> Iterator[tuple[str | tuple[str, ...], str]]:
    """Walk what templates and modules have translated, and where it stands."""
    for layer in LAYERS:
        found = extract_from_dir(ROOT / layer, METHODS, OPTIONS, KEYWORDS)
        for file, _, message, _, _ in found:
            yield message, f"{layer}/{file}"


def translated(message: Message) -> tuple[str, ...]:
    """What is said for a message: in the singular, and in each plural where it has one."""
    string = message.string or ""
    return (string,) if isinstance(string, str) else tuple(string)


if __name__ == "__main__":
    main(sys.argv[1:])
