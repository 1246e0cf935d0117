"""Makes plain text of fragments of HTML, as feeds and mails carry them."""

import html
import re
from typing import Any

UNSEEN = ("script", "style", "template", "noscript", "svg", "iframe", "object", "head", "title")
CELLS = ("td", "th")
# What mails put before their first line, for the list of messages.
HIDDEN = ".//*[contains(translate(@style, ' ', ''), 'display:none')]"
# Elements that stand on lines of their own; https://html.spec.whatwg.org/#flow-content-3
BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "div", "dl", "dt", "dd", "fieldset"),
        *("figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"),
        *("hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tr", "ul", "center"),
    )
)

# What only markup has: a first paragraph, paragraphs or line breaks in a row, a quoted attribute,
# words set off within a pair of tags. One tag alone may be what a text is about.
PLAINLY_HTML = re.compile(
    r"""\A\s*<(p|div|article|section|h[1-6]|ul|ol|table|figure|blockquote)\b[^<>]*>.*</\1\s*>"""
    r"""|</p>\s*<p\b|(?:<br\s*/?>\s*){2}|<br\s*/>|[^\s<>]<br>[^\s<>]"""
    r"""|<(?:a|p|div|span|img|figure|iframe|script)\s[^<>]*?[\w-]+=(?:"[^"<>]*"|'[^'<>]*')[^<>]*>"""
    r"""|<(b|i|u|em|strong)>[^<>]{1,300}</\2>""",
    re.IGNORECASE | re.DOTALL,
)
# What no tree of lxml's can hold: https://www.w3.org/TR/xml/#charsets
NO_XML = re.compile("[\x00-\x08\x0b\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
ESCAPED_HTML = re.compile(r"\s*&lt;(?:p|div|article|section|h[1-6]|ul|ol|table|figure)\b")


def plain_text(text: str) -> str:
    """Make plain text of what plainly is HTML, escaped once more or not; leave all else alone.

    >>> plain_text("<p>Rain &amp; snow</p>"), plain_text("use &lt;b&gt; or <b>, not <i>")
    ('Rain & snow', 'use &lt;b&gt; or <b>, not <i>')
    """
    if "&lt;" in text and ESCAPED_HTML.match(text) and "<" not in text:
        text = html.unescape(text)
    return text_of(text) if "<" in text and PLAINLY_HTML.search(text) else text


def text_of(fragment: str) -> str:
    """Keep the paragraphs of a fragment of HTML, divided by blank lines, and drop its marks.

    >>> text_of("<p>Rain &amp; <b>snow</b></p><p>fell.<script>x()</script></p>")
    'Rain & snow\\n\\nfell.'
    """
    if "<" not in fragment and "&" not in fragment:
        return fragment
    from lxml import etree
    from lxml.html import fromstring

    fragment = NO_XML.sub("", fragment)
    try:
        return text_in(fromstring(f"<div>{fragment}</div>"))
    except (etree.LxmlError, ValueError):
        return fragment


def text_in(tree: Any) -> str:
    """The same of a tree of lxml's, which is emptied of what is not seen."""
    from lxml import etree

    for hidden in tree.xpath(HIDDEN):
        hidden.clear(keep_tail=True)
    etree.strip_elements(tree, *UNSEEN, etree.Comment, etree.PI, with_tail=False)
    paragraphs = "".join(_pieces(tree)).split("\n\n")
    lines = ("\n".join(" ".join(line.split()) for line in each.split("\n")) for each in paragraphs)
    return "\n\n".join(line for line in (each.strip() for each in lines) if line)


def _pieces(tree: Any) -> list[str]:
    """The text of a tree in order, blocks between blank lines; not by recursion, as it is deep."""
    from lxml import etree

    pieces: list[str] = []
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        block = element.tag in BLOCKS
        if event == "start":
            pieces.append("\n" if element.tag == "br" else "\n\n" if block else "")
            pieces.append(" " if element.tag in CELLS else "")
            pieces.append(_flat(element.text))
        else:
            pieces += ["\n\n" if block else "", _flat(element.tail)]
    return pieces


def _flat(text: str | None) -> str:
    """White space in HTML is one space, line ends included."""
    return " ".join(f"|{text or ''}|".split())[1:-1]
