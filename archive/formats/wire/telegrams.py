"""Cuts transmissions of IPTC 7901 and ANPA 1312 into messages, and joins lines to paragraphs."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from backfile.archive.formats.files import SourceFile

STX, ETX, EOT = "\x02", "\x03", "\x04"
# Bytes before a message in the transmission: synchronisation, padding, shifts, line ends.
FILLING = "\x00\x0e\x0f\x16\x17\x7f \t\r\n"
# The start of heading, and the letters and number at the beginning of every header.
START = r"\x01(?=\s*[A-Za-z]{1,5}\s?\d{3,5}[\x1f\s-])"
TELEGRAM_OPENING = re.compile(rf"[{FILLING}]*{START}")
LONGEST_FILLING = 4096  # characters
INDENTED = re.compile(r"[\t ]{2,}\S|\t")
# Table rows: two wide gaps in a line, or dots that lead to a figure.
TABLE_ROW = re.compile(r"\S {3,}\S+ {2,}\S|\.{5,}|\t[^\t]*\S\t")
ZONES = {"": "", "GMT": "Z", "UTC": "Z", "Z": "Z", "CET": "+01:00", "MEZ": "+01:00"}
ZONES |= {"CEST": "+02:00", "MESZ": "+02:00"}
LONGEST_MESSAGE = 1 << 20  # characters; agencies' longest texts have a tenth of it
FIRST_YEAR = 79  # the year of IPTC 7901; lower years of two digits are after 2000


class Telegram(NamedTuple):
    """A message: the lines before its text, of its text, and after it."""

    header: list[str]
    text: list[str]
    trailer: list[str]


def is_telegram(head: str) -> bool:
    """Whether a file begins with a message: a start of heading, and a header."""
    return bool(TELEGRAM_OPENING.match(head[:LONGEST_FILLING]))


def messages_in(file: SourceFile) -> Iterator[str | None]:
    """Stream the messages of a transmission, each from behind its start of heading.

    None replaces a message of more than 1 MiB.
    """
    gathered: list[str] = []
    size = -1  # before the first start of heading
    for line in file.lines():
        line = line or " " * LONGEST_MESSAGE  # None: a line of more than 32 MiB
        before, *begun = re.split(START, line) if "\x01" in line else (line,)
        if 0 <= size < LONGEST_MESSAGE:
            gathered.append(before)
            size += len(before)
        for part in begun:
            yield from _ended(gathered, size)
            gathered, size = [part], len(part)
    yield from _ended(gathered, size)


def _ended(gathered: list[str], size: int) -> Iterator[str | None]:
    if size >= LONGEST_MESSAGE:
        yield None
    elif size >= 0:
        yield "".join(gathered).partition(EOT)[0]


def telegram(content: str) -> Telegram:
    """Cut a message at its control characters."""
    header, started, rest = content.partition(STX)
    if not started:  # some senders write a blank line instead of the start of text
        header, _, rest = content.replace("\r", "").partition("\n\n")
    text, _, trailer = rest.partition(ETX)
    return Telegram(_lines(header), _lines(text), _lines(trailer))


def _lines(content: str) -> list[str]:
    content = content.replace("\r\n", "\n").replace("\r", "\n").replace("\x1e", "\n")
    return [line.rstrip(FILLING) for line in content.split("\n")]


def paragraphs(lines: list[str]) -> list[str]:
    """Join lines that were wrapped at the width of a teleprinter.

    A blank or an indented line begins a paragraph; table rows remain lines.

    >>> paragraphs(["Ash (cc) - The ferry", "stops.", "", "In May."])
    ['Ash (cc) - The ferry stops.', 'In May.']
    """
    found: list[tuple[str, list[str]]] = []
    before = ""  # the kind of the line before
    for line in lines:
        kind = "column" if TABLE_ROW.search(line) else "text" if line.strip() else ""
        if not kind or kind != before or (kind == "text" and INDENTED.match(line)):
            found.append(("\n" if kind == "column" else " ", []))
        found[-1][1].append(line.strip())
        before = kind
    joined = (divider.join(each).strip() for divider, each in found)
    return [each for each in joined if each]


def full_year(written: str) -> str:
    """The year of two digits; unambiguous, as the format began in 1979."""
    if len(written) != 2:
        return written
    return f"{19 if int(written) >= FIRST_YEAR else 20}{written}"
