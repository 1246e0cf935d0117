"""Cleans text on its way in; offsets into an article always refer to the cleaned text."""

import re

from backfile.archive.formats.cleaning.boilerplate import without_boilerplate
from backfile.archive.formats.cleaning.characters import decoded, plain_characters, repaired
from backfile.archive.formats.cleaning.unwrapping import has_neighbours, unwrapped

PASSES = 8  # what is repaired or decoded may hold more of its kind; hostile text without end
BLANK_LINES = re.compile(r"\n{3,}")


class CleanText(str):
    """A text that was cleaned, or a part of one that begins and ends with whole lines."""

    __slots__ = ()


def clean_text(text: str) -> str:
    """Repair and normalise characters, join wrapped lines, and drop lines that are no news.

    Cleaning what is clean changes nothing. A text of nothing but such lines keeps them.

    >>> clean_text("One.\\r\\n\\r\\nAdvertisment\\r\\n\\r\\nTwo &amp; three.")
    'One.\\n\\nTwo & three.'
    """
    if isinstance(text, CleanText):
        return str(text).strip()
    for _ in range(PASSES):
        lines = [line.rstrip() for line in _characters(text).split("\n")]
        joined = unwrapped(lines)
        kept = without_boilerplate(joined)
        text = "\n".join(kept).strip()
        if bare := _written_as_csv(text):
            text = bare
        elif joined is lines and (kept is joined or not has_neighbours(kept)):
            break
    return (BLANK_LINES.sub("\n\n", text) if "\n\n\n" in text else text).strip()


def clean_line(text: str) -> str:
    """Clean a title, a name or a section: one line, single spaces.

    >>> clean_line("  Bridge\\n closed ")
    'Bridge closed'
    """
    if not text:
        return ""
    for _ in range(PASSES):  # what two lines hold apart, one may show to be mojibake
        before, text = text, " ".join(_characters(text).split())
        text = _written_as_csv(text) or text
        if text == before:
            break
    return text


def _written_as_csv(text: str) -> str:
    """What was meant, if a text is still quoted as in a CSV file; nothing if it is not.

    >>> _written_as_csv('"A ""swing"" bridge"'), _written_as_csv('"A swing bridge," she said')
    ('A "swing" bridge', '')
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
