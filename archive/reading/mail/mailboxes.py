"""Reads mailboxes in the mbox format, a message at a time."""

import re
from collections.abc import Iterator

from archive.errors import UnreadableArticle
from archive.reading.fields import FieldMap
from archive.reading.files import LONGEST_TEXT, SourceFile
from archive.reading.mail.messages import HEADER, articles_in
from archive.reading.records import Read

# "From ferry@courier.example Sat Mar 23 07:00:00 2024": who sent it, and when it came.
DIVIDER = re.compile(rb"From \S.*\d\d:\d\d.*\d{4}")
LONGEST_DIVIDER = 500  # bytes
QUOTED = re.compile(rb"^>(>*From )", re.M)  # as mboxrd has it; mboxo is read the same


def is_mailbox(head: bytes) -> bool:
    """Tell a mailbox by its first two lines."""
    first, _, rest = head.lstrip(b"\r\n").partition(b"\n")
    return bool(
        DIVIDER.match(first[:LONGEST_DIVIDER])
        and (HEADER.match(rest) or rest.startswith(b">From "))
    )


def read_mailbox(file: SourceFile, _: FieldMap) -> Read:
    """Read the messages by their number, from 1."""
    for number, content in enumerate(_messages(file), 1):
        if content is None:
            reason = f"a message of more than {LONGEST_TEXT >> 20} MiB"
            yield UnreadableArticle(str(file.origin(number)), reason)
        else:
            yield from articles_in(QUOTED.sub(rb"\1", content), file, number)


def _messages(file: SourceFile) -> Iterator[bytes | None]:
    """Cut the file at its dividing lines; None stands for what is too long."""
    held: list[bytes] = []
    length, began, after_blank = 0, False, True
    with file.open() as stream:
        while line := stream.readline(LONGEST_TEXT):
            if after_blank and DIVIDER.match(line[:LONGEST_DIVIDER]):
                if began:
                    yield b"".join(held) if length <= LONGEST_TEXT else None
                held, length, began = [], 0, True
            elif began:
                length += len(line)
                held = held if length <= LONGEST_TEXT else []
                held.append(line)
            after_blank = not line.strip(b"\r\n")
    if began:
        yield b"".join(held) if length <= LONGEST_TEXT else None
