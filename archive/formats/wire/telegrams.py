"""Cuts IPTC 7901 and ANPA 1312 transmissions into messages, and makes paragraphs of their lines."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from backfile.archive.formats.files import SourceFile

STX, ETX, EOT = "\x02", "\x03", "\x04"
# What stands before a message on the line: synchronisation, padding, shifts, line ends.
FILLING = "\x00\x0e\x0f\x16\x17\x7f \t\r\n"
# The start of heading, with the letters and number that every header begins with.
START = r"\x01(?=\s*[A-Za-z]{1,5}\s?\d{3,5}[\x1f\s-])"
OPENING = re.compile(rf"[{FILLING}]*{START}")
LONGEST_FILLING = 4096  # characters
INDENTED = re.compile(r"[\t ]{2,}\S|\t")
# Columns: two wide gaps in a line, or dots that lead to a figure.
COLUMNS = re.compile(r"\S {3,}\S+ {2,}\S|\.{5,}|\t[^\t]*\S\t")
ZONES = {"": "", "GMT": "Z", "UTC": "Z", "Z": "Z", "CET": "+01:00", "MEZ": "+01:00"}
ZONES |= {"CEST": "+02:00", "MESZ": "+02:00"}
LONGEST_MESSAGE = 1 << 20  # characters; an agency's longest texts have a tenth of it
FIRST_YEAR = 79  # the year of IPTC 7901: an earlier one of two figures is of the next century


class Message(NamedTuple):
    """A message: the lines before its text, the lines of its text, and those after it."""

    header: list[str]
    text: list[str]
    trailer: list[str]


def is_telegram(head: str) -> bool:
    """Whether the start of a file is that of a message: a start of heading, and a header."""
    return bool(OPENING.match(head[:LONGEST_FILLING]))


def messages_in(file: SourceFile) -> Iterator[Message | None]:
    """Stream the messages of a transmission, each from its start of heading on.

    None stands for one of more than 1 MiB.
    """
    gathered: list[str] = []
    size = -1  # before the first start of heading
    for line in file.lines():
        line = line or " " * LONGEST_MESSAGE  # one of more than 32 MiB, which is no line
        before, *begun = re.split(START, line) if "\x01" in line else (line,)
        if 0 <= size < LONGEST_MESSAGE:
            gathered.append(before)
            size += len(before)
        for part in begun:
            yield from _ended(gathered, size)
            gathered, size = [part], len(part)
    yield from _ended(gathered, size)


def _ended(gathered: list[str], size: int) -> Iterator[Message | None]:
    if size >= LONGEST_MESSAGE:
        yield None
    elif size >= 0:
        yield _message("".join(gathered).partition(EOT)[0])


def _message(content: str) -> Message:
    header, started, rest = content.partition(STX)
    if not started:  # some senders leave the mark out, and a blank line stands for it
        header, _, rest = content.replace("\r", "").partition("\n\n")
    text, _, trailer = rest.partition(ETX)
    return Message(_lines(header), _lines(text), _lines(trailer))


def _lines(content: str) -> list[str]:
    content = content.replace("\r\n", "\n").replace("\r", "\n").replace("\x1e", "\n")
    return [line.rstrip(FILLING) for line in content.split("\n")]


def paragraphs(lines: list[str]) -> list[str]:
    """Join the lines of a text that was cut at the width of a teleprinter.

    A blank line or an indented one begins a paragraph; columns stay in lines.

    >>> paragraphs(["Ash (cc) - The ferry", "stops.", "", "In May."])
    ['Ash (cc) - The ferry stops.', 'In May.']
    """
    found: list[tuple[str, list[str]]] = []
    before = ""  # what kind of line the one before was
    for line in lines:
        kind = "column" if COLUMNS.search(line) else "text" if line.strip() else ""
        if not kind or kind != before or (kind == "text" and INDENTED.match(line)):
            found.append(("\n" if kind == "column" else " ", []))
        found[-1][1].append(line.strip())
        before = kind
    joined = (divider.join(each).strip() for divider, each in found)
    return [each for each in joined if each]


def full_year(written: str) -> str:
    """The year that two figures stand for, which a format that began in 1979 makes certain."""
    if len(written) != 2:
        return written
    return f"{19 if int(written) >= FIRST_YEAR else 20}{written}"
