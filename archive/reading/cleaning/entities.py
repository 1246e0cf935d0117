"""Decodes HTML entities that were left in plain text."""

import html
import re
from html.entities import html5, name2codepoint

# Escaped any number of times: `&amp;amp;`, `&#38;amp;lt;`.
ENTITY = re.compile(
    r"&(?:(?:amp|AMP|#0*38|#[xX]0*26);)*"
    r"(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
)


def decoded(text: str) -> str:
    """Decode entities that end in a semicolon and have a known name; leave all that may be words.

    >>> decoded("AT&T&#8217;s R&D; 5 &lt; 6 &amp;amp; &copy 2024")
    'AT&T’s R&D; 5 < 6 & &copy 2024'
    """
    return ENTITY.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    name = found[1]
    # The two-letter names of HTML 5 (`&in;`, `&Re;`) may be anything; those of HTML 4 are in use.
    known = name[0] == "#" or name in name2codepoint or (len(name) > 2 and f"{name};" in html5)
    return html.unescape(f"&{name};") if known else found[0]
