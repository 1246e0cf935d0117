"""Normalises characters: line ends, spaces, Unicode (NFC), HTML entities, mojibake."""

import html
import re
import unicodedata
from functools import cache
from html.entities import html5, name2codepoint

# All characters but the common ones: most texts have none of these, and need only this one search.
ODD = re.compile(
    "[^\n -~\xa1-\xac\xae-\u024f\u0386\u0388-\u03ce\u0400-\u045f\u0621-\u063a\u0641-\u064a"
    "\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2190-\u2328\u232b-\u27bf"
    "\u3001-\u3011\u3041-\u3094\u30a1-\u30fe\u4e00-\u9fff\uac00-\ud7a3\U0001f300-\U0001faff]"
)
# Soft hyphen, zero-width space, word joiner and byte order mark would cut words in two for a
# search; direction marks are for display, and can disguise a text.
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
# Joiners elsewhere than in Persian, the scripts of India and emoji, which need them.
JOINER = re.compile("(?<![\u0590-\u1fff\u2190-\u2bff\u3000-\U0010ffff\u200d])[\u200c\u200d]+")


def plain_characters(text: str) -> str:
    """Normalise line ends, spaces and Unicode (NFC), and remove invisible characters.

    >>> plain_characters("har\\xadbour\\r\\nfe\\u0301e\\u200b, 5\\xa0km")
    'harbour\\nfée, 5 km'
    """
    odd = set(ODD.findall(text))
    if not odd:
        return text
    if any("\ud800" <= character <= "\udfff" for character in odd):
        text = without_surrogates(text)
    text = text.replace("\r\n", "\n").replace("\xad\n", "")  # a soft hyphen at a line end
    for character in odd & INSTEAD.keys():
        text = text.replace(character, INSTEAD[character])
    if not odd.isdisjoint("\u200c\u200d"):
        text = JOINER.sub("", text)
    return unicodedata.normalize("NFC", text)


def without_surrogates(text: str) -> str:
    """Join pairs of surrogates; replace single ones, which UTF-8 cannot encode."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text.encode("utf-8", "replace").decode("utf-8")


CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
MOST_CONTROLS = 0.02  # their share in a text; of packed data, a twelfth
FEW_CONTROLS = 4  # in a text of any length
LOST = re.compile("[\ufffd\x80-\x9f]")  # what bytes of no letter are decoded to
MOST_LOST = 0.2  # of packed data, nearly a half; of a text with wrong accents, a twentieth
SUSPECT = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\ufffd\x80-\x9f]")
LOOKED_AT = 10_000  # characters


def is_legible(text: str) -> bool:
    """Whether a text, before it is cleaned, is none of binary data that was decoded.

    >>> is_legible("5 mm of rain – ☂☂☂☂"), is_legible("\ufffd\ufffd(a\ufffd\ufffd\ufffdx~\ufffd")
    (True, False)
    """
    text = text[:LOOKED_AT]
    if not SUSPECT.search(text):
        return True
    if len(CONTROLS.findall(text)) > max(FEW_CONTROLS, MOST_CONTROLS * len(text)):
        return False
    return len(LOST.findall(text)) <= MOST_LOST * len(text)


# Escaped any number of times: `&amp;amp;`, `&#38;amp;lt;`.
ENTITY = re.compile(
    r"&(?:(?:amp|AMP|#0*38|#[xX]0*26);)*"
    r"(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
)


def decoded(text: str) -> str:
    """Decode entities with a semicolon and a known name; leave others, which may be words.

    >>> decoded("AT&T&#8217;s R&D; 5 &lt; 6 &amp;amp; &copy 2024")
    'AT&T’s R&D; 5 < 6 & &copy 2024'
    """
    return ENTITY.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    name = found[1]
    # Two-letter names of HTML 5 (`&in;`, `&Re;`) may be plain text; those of HTML 4 are in use.
    known = name[0] == "#" or name in name2codepoint or (len(name) > 2 and f"{name};" in html5)
    return html.unescape(f"&{name};") if known else found[0]


# Encodings that UTF-8 is mistaken for; ftfy knows a few more, which are very rare.
MISTAKEN_FOR = (
    *("latin-1", "cp1252", "cp1250", "cp1251", "cp1254", "iso8859-2", "mac_roman", "cp437"),
)
LEADS = ((0xC2, 0xDF), (0xE0, 0xEF), (0xF0, 0xF4))  # of sequences of 2, 3 and 4 bytes
TRAILS = (0x80, 0xBF)


def repaired(text: str) -> str:
    """Repair lines that are certainly mojibake; leave all others unchanged.

    >>> repaired("The cafÃ© â€œRoseâ€\\x9d is shut."), repaired("À bientôt, „Spaß“!")
    ('The café “Rose” is shut.', 'À bientôt, „Spaß“!')
    """
    if text.isascii() or not _suspect().search(text):
        return text
    suspect = _suspect()
    return "\n".join(_repaired(line) if suspect.search(line) else line for line in text.split("\n"))


def _repaired(line: str) -> str:
    from ftfy import TextFixerConfig, fix_encoding  # 0.05 s

    # Lost bytes cannot be restored.
    return fix_encoding(line, TextFixerConfig(replace_lossy_sequences=False, explain=False))


@cache
def _suspect() -> re.Pattern[str]:
    """A pattern of possible mojibake: bytes of UTF-8, each decoded in one of the encodings.

    Correct text can match too (`Spaß“`); ftfy decides. ftfy alone would take 0.2 ms for each 1,000
    characters of text that is not ASCII; this takes 0.004.
    """
    two, three, four = (_read_as(*bounds) for bounds in LEADS)
    trail = f"[{_read_as(*TRAILS)}]"
    return re.compile(
        f"[\x80-\x9fÂÃ{two}{three}{four}]"
        f"(?:(?<=[\x80-\x9f])|(?<=[ÂÃ]) |(?<=[{two}]){trail}"
        f"|(?<=[{three}]){trail}{{2}}|(?<=[{four}]){trail}{{3}})"
    )


def _read_as(first: int, last: int) -> str:
    span = bytes(range(first, last + 1))
    return re.escape(
        "".join({each for name in MISTAKEN_FOR for each in span.decode(name, "ignore")})
    )
