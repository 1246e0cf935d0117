"""Cleans the texts and lines of an article; all offsets refer to the cleaned text."""

import re

from backfile.archive.formats.cleaning.boilerplate import without_boilerplate
from backfile.archive.formats.cleaning.characters import decoded, plain_characters, repaired
from backfile.archive.formats.cleaning.unwrapping import has_neighbours, unwrapped

PASSES = 8  # repaired or decoded text may need another pass; hostile text would never end
BLANK_LINES = re.compile(r"\n{3,}")


class CleanText(str):
    """A cleaned text, or whole lines of one."""

    __slots__ = ()


def clean_text(text: str) -> str:
    """Repair and normalise characters, join wrapped lines, and remove boilerplate lines.

    Cleaning a clean text does not change it. A text of boilerplate alone stays.

    >>> clean_text("One.\\r\\n\\r\\nAdvertisment\\r\\n\\r\\nTwo &amp; three.")
    'One.\\n\\nTwo & three.'
    """
    if isinstance(text, CleanText):
        return str(text).strip()
    for _ in range(PASSES):
        lines = [line.rstrip() for line in _characters(text).split("\n")]
        joined = unwrapped(lines)
        remaining = without_boilerplate(joined)
        text = "\n".join(remaining).strip()
        if unquoted := _without_csv_quotes(text):
            text = unquoted
        elif joined is lines and (remaining is joined or not has_neighbours(remaining)):
            break
    return (BLANK_LINES.sub("\n\n", text) if "\n\n\n" in text else text).strip()


def clean_line(text: str) -> str:
    """Clean a title, a name or a section, to one line with single spaces.

    >>> clean_line("  Bridge\\n closed ")
    'Bridge closed'
    """
    if not text:
        return ""
    for _ in range(PASSES):  # joining two lines may bring mojibake together
        before, text = text, " ".join(_characters(text).split())
        text = _without_csv_quotes(text) or text
        if text == before:
            break
    return text


def _without_csv_quotes(text: str) -> str:
    """The content of a text that is still quoted as in a CSV file; empty if it is not.

    >>> [_without_csv_quotes(text) for text in ('"A ""swing"" bridge"', '"A bridge," she said')]
    ['A "swing" bridge', '']
    """
    within = text[1:-1]
    quoted = text[:1] == text[-1:] == '"' and '""' in within
    return within.replace('""', '"') if quoted and '"' not in within.replace('""', "") else ""


def _characters(text: str) -> str:
    for _ in range(PASSES):
        before, text = text, plain_characters(decoded(repaired(text)))
        if text == before:
            break
    return text
