"""Reads the lines of a document in an export of a news database: labels, paragraphs and notices."""

import re
from collections.abc import Callable

from backfile.archive.formats.dates.parsing import is_date

Lines = list[str]
# The name and the value of the label that a line begins with, None if it begins with none.
LabelOf = Callable[[str], tuple[str, str] | None]

SIGNED = re.compile(r"\W*(?:copyright\b|©|\(c\))", re.I)
NO_OWNER = frozenset(("copyright", "c", "by"))
WORD = re.compile(r"[^\W\d_]+")
YEAR = re.compile(r"\b(?:19|20)\d\d\b")
WRITTEN_DAY = re.compile(
    r"[^\W\d_]+\.? \d{1,2},? \d{4}|\d{1,2}\.? (?:de )?[^\W\d_]+\.?,? (?:de )?\d{4}|\d{4}-\d\d-\d\d"
)
LONGEST_DAY = 100  # characters of a line with a date
LONGEST_NOTICE = 200
LONGEST_VALUE = 4  # words; a longer one that ends with a full stop is a sentence


def labelled(lines: Lines, label_of: LabelOf) -> dict[str, Lines]:
    """The lines of each label; a repeated label is part of what it stands in."""
    fields: dict[str, Lines] = {}
    here: Lines = []
    for line in lines:
        found = label_of(line)
        if found and found[0] not in fields:
            here = fields[found[0]] = [found[1]]
        else:
            here.append(line)
    return fields


def tail_start(lines: Lines, label_of: LabelOf, sure: frozenset[str]) -> int:
    """Where the labels below a body begin: the first sure one, and the unbroken run above it.

    Without a sure one it is the run at the end. What repeats a label of the run is of the body.
    """
    names = [found[0] if (found := label_of(line)) else "" for line in lines]
    end = next((n for n, name in enumerate(names) if name in sure), len(lines))
    seen = set(names[end:])
    for start in reversed(block_starts(lines[:end])):
        if names[start] and names[start] not in seen:
            seen.update(names[start:end])
            end = start
        elif end < len(lines) or not is_notice(lines[start]):
            break
    return end


def block_starts(lines: Lines) -> list[int]:
    """The numbers of the first lines of the runs between blank lines."""
    full = [bool(line.strip()) for line in lines]
    return [n for n, here in enumerate(full) if here and not (n and full[n - 1])]


def blocks_of(lines: Lines) -> list[Lines]:
    """The runs of lines between blank ones."""
    blocks: list[Lines] = [[]]
    for line in lines:
        if line.strip():
            blocks[-1].append(line.strip())
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def joined(lines: Lines | None) -> str:
    """The first block of lines as one line."""
    blocks = blocks_of(lines or [])
    return " ".join(blocks[0]) if blocks else ""


def body_of(lines: Lines) -> str:
    """The paragraphs of lines, without a notice of copyright at either end."""
    blocks = [" ".join(block) for block in blocks_of(lines)]
    first = int(bool(blocks) and is_notice(blocks[0]))
    last = len(blocks) - int(bool(blocks) and is_notice(blocks[-1]))
    return "\n\n".join(blocks[first:last])


def is_notice(line: str) -> bool:
    """Whether a line is a notice of copyright, with a year and no sentence.

    >>> is_notice("Copyright 2024 Gazette."), is_notice("(c) 2023 was written on the wall.")
    (True, False)
    """
    line = line.strip()
    if len(line) > LONGEST_NOTICE:
        return False
    if "all rights reserved" in line.casefold():
        return True
    if not SIGNED.match(line) or not YEAR.search(line):
        return False
    owner = next((word for word in WORD.findall(line) if word.casefold() not in NO_OWNER), "")
    return not (owner.islower() and line.endswith("."))


def is_sentence(value: str) -> bool:
    """Whether the value of a label reads as a sentence, so that its label is a word of a text.

    >>> is_sentence("the council."), is_sentence("Coastal Courier Ltd."), is_sentence("90 words")
    (True, False, False)
    """
    if not value.rstrip("\"'”’)").endswith((".", "!", "?")) or ";" in value:
        return False
    return value[:1].islower() or len(value.split()) > LONGEST_VALUE


def day_in(line: str) -> str:
    """The date in a line, without a weekday and an edition; empty if there is none."""
    return next((found for found in WRITTEN_DAY.findall(line[:LONGEST_DAY]) if is_date(found)), "")
