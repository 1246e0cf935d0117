"""Cleans text on its way in; offsets into an article always refer to the cleaned text."""

import re
import unicodedata

ADVERTISEMENT = re.compile(r"[^\S\n]*advertise?ments?[^\S\n]*", re.IGNORECASE)
# With the soft hyphen, the zero-width space and the word joiner, which would cut a word in two for
# a search. The zero-width (non-)joiner stays: Persian is spelled and emoji are made with it.
UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad\u200b\u2060\ufeff]")
SPACE_AT_LINE_END = re.compile(r"[^\S\n]+$", re.MULTILINE)
BLANK_LINES = re.compile(r"\n{3,}")


def clean_text(text: str) -> str:
    """Normalise line ends and Unicode (NFC), drop unseen characters and advertisement marks.

    >>> clean_text("One.\\r\\n\\r\\nAdvertisment\\r\\n\\r\\nTwo.")
    'One.\\n\\nTwo.'
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    text = text.replace("\u2029", "\n\n").replace("\x0c", "\n\n")
    text = unicodedata.normalize("NFC", UNSEEN.sub("", without_surrogates(text)))
    kept = (line for line in text.split("\n") if not ADVERTISEMENT.fullmatch(line))
    text = SPACE_AT_LINE_END.sub("", "\n".join(kept))
    return BLANK_LINES.sub("\n\n", text).strip()


def clean_line(text: str) -> str:
    """Clean a title, a name or a section: one line, single spaces.

    >>> clean_line("  Bridge\\n closed ")
    'Bridge closed'
    """
    text = unicodedata.normalize("NFC", UNSEEN.sub("", without_surrogates(text)))
    return " ".join(text.split())


def without_surrogates(text: str) -> str:
    """Replace lone surrogates, which JSON can carry and UTF-8, hence the catalogue, cannot."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text
