"""Detects the encoding of a text: by its byte order mark, as UTF-8, or the likeliest."""

import re

SAMPLE = 1 << 16  # bytes
WIDE_ENCODINGS = ("utf-16", "utf-32", "utf-16-le", "utf-16-be")
LEAST_LETTERS = 16
MANY_NULS = 0.4  # share of zeros in every second byte of UTF-16
FEW = 0.1  # share of NO_LETTERS in the other bytes; half of a typographic quote is one of these
NO_LETTERS = re.compile(rb"[\x00-\x08\x0e-\x1e]")
BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def encoding_of(content: bytes) -> str:
    """The encoding of a text: by its byte order mark, UTF-8, or else the likeliest."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding
    if wide := _unmarked(content[:SAMPLE]):
        return wide
    try:
        content.decode()
    except UnicodeDecodeError as exc:
        if exc.reason == "unexpected end of data" and len(content) - exc.start < 4:
            return "utf-8"  # the text was cut inside a character
        return likeliest_encoding(content[max(0, exc.start - SAMPLE // 2) :][:SAMPLE])
    return "utf-8"


def _unmarked(sample: bytes) -> str:
    """UTF-16 without a mark, recognised by the zero half of most letters; or empty."""
    first, second = sample[::2], sample[1::2]
    if _is_half(second, of=first):
        return "utf-16-le"
    return "utf-16-be" if _is_half(first, of=second) else ""


def _is_half(empty: bytes, *, of: bytes) -> bool:
    if len(of) < LEAST_LETTERS or empty.count(0) <= MANY_NULS * len(empty):
        return False
    return len(NO_LETTERS.findall(of)) <= FEW * len(of)


def likeliest_encoding(sample: bytes) -> str:
    """The likeliest encoding of a text that is not valid UTF-8."""
    read = sample.decode("utf-8", "replace")
    beyond_ascii = sum(not character.isascii() for character in read)
    if beyond_ascii > 2 * read.count("\ufffd"):
        return "utf-8"  # with a few damaged bytes
    if beyond_ascii < len(sample) / 4:
        return "cp1252"  # charset_normalizer reads £ and ñ in English as cp1250 or cp775
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"
