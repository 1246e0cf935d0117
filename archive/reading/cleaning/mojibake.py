"""Repairs mojibake: UTF-8 that was once read as something else."""

import re
from functools import cache

# As what UTF-8 is mistaken; ftfy knows a few more, which are rarer still.
MISTAKEN_FOR = (
    *("latin-1", "cp1252", "cp1250", "cp1251", "cp1254", "iso8859-2", "mac_roman", "cp437"),
)
LEADS = ((0xC2, 0xDF), (0xE0, 0xEF), (0xF0, 0xF4))  # of sequences of 2, 3 and 4 bytes
TRAILS = (0x80, 0xBF)


def repaired(text: str) -> str:
    """Repair the lines that can only be mojibake; leave all others as they are.

    >>> repaired("The cafÃ© â€œRoseâ€\\x9d is shut."), repaired("À bientôt, „Spaß“!")
    ('The café “Rose” is shut.', 'À bientôt, „Spaß“!')
    """
    if text.isascii() or not _suspect().search(text):
        return text
    suspect = _suspect()
    return "\n".join(_repaired(line) if suspect.search(line) else line for line in text.split("\n"))


def _repaired(line: str) -> str:
    from ftfy import TextFixerConfig, fix_encoding  # 0.05 s

    # Of bytes that were lost, nobody knows what they were.
    return fix_encoding(line, TextFixerConfig(replace_lossy_sequences=False, explain=False))


@cache
def _suspect() -> re.Pattern[str]:
    """Find what may be mojibake: bytes of UTF-8, read one by one in any of the encodings.

    Words can hold such too (`Spaß“`), and ftfy decides. It would take 0.2 ms for each 1,000
    characters of all text that is not ASCII; this takes 0.004.
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
