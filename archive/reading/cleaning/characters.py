"""Normalises characters: line ends, spaces, Unicode (NFC), and those that nobody sees."""

import re
import unicodedata

# All that needs no second look: in most texts there is nothing else, and they are done in one pass.
ODD = re.compile(
    "[^\n -~\xa1-\xac\xae-\u024f\u0386\u0388-\u03ce\u0400-\u045f\u0621-\u063a\u0641-\u064a"
    "\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2190-\u2328\u232b-\u27bf"
    "\u3001-\u3011\u3041-\u3094\u30a1-\u30fe\u4e00-\u9fff\uac00-\ud7a3\U0001f300-\U0001faff]"
)
# Soft hyphen, zero-width space, word joiner and byte order mark would cut a word in two for a
# search; marks of direction are for a screen, and can make a text read as what it is not.
UNSEEN = (
    *(range(0x09), range(0x0E, 0x20), range(0x7F, 0xA0), (0xAD, 0x061C, 0x200B, 0x200E)),
    *((0x200F, 0xFEFF, 0xFFFE, 0xFFFF), range(0x202A, 0x202F), range(0x2060, 0x2070)),
    range(0xFFF9, 0xFFFD),
)
INSTEAD = {
    **{chr(code): "" for codes in UNSEEN for code in codes},
    **dict.fromkeys("\r\x0b\u2028", "\n"),
    **dict.fromkeys("\x0c\u2029", "\n\n"),
    **dict.fromkeys("\xa0\u2007\u202f", " "),  # one for one: `« Oui »` keeps its spaces
}
# Persian and the scripts of India are spelled with joiners, and emoji made; they come after these.
JOINER = re.compile("(?<![\u0590-\u1fff\u2190-\u2bff\u3000-\U0010ffff\u200d])[\u200c\u200d]+")


def plain_characters(text: str) -> str:
    """Normalise line ends, spaces and Unicode (NFC), and drop what is not seen.

    >>> plain_characters("har\\xadbour\\r\\nfe\\u0301e\\u200b, 5\\xa0km")
    'harbour\\nfée, 5 km'
    """
    odd = set(ODD.findall(text))
    if not odd:
        return text
    if any("\ud800" <= character <= "\udfff" for character in odd):
        text = without_surrogates(text)
    text = text.replace("\r\n", "\n").replace("\xad\n", "")  # a soft hyphen that shows, at its cut
    for character in odd & INSTEAD.keys():
        text = text.replace(character, INSTEAD[character])
    if not odd.isdisjoint("\u200c\u200d"):
        text = JOINER.sub("", text)
    return unicodedata.normalize("NFC", text)


def without_surrogates(text: str) -> str:
    """Join pairs of surrogates; replace lone ones, which the catalogue (UTF-8) cannot hold."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text.encode("utf-8", "replace").decode("utf-8")
