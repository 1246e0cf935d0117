"""Makes plain text of fragments of HTML, as in feeds and mails, and names the root of XML."""

import html
import re
from typing import Any

UNSEEN = ("script", "style", "template", "noscript", "svg", "iframe", "object", "head", "title")
CELLS = ("td", "th")
# The hidden preview text that mails have before their first line.
HIDDEN = ".//*[contains(translate(@style, ' ', ''), 'display:none')]"
# Block elements; https://html.spec.whatwg.org/#flow-content-3
BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "div", "dl", "dt", "dd", "fieldset"),
        *("figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"),
        *("hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tr", "ul", "center"),
    )
)

# Signs of markup: a first paragraph, paragraphs or line breaks in a row, a quoted attribute, words
# in a pair of inline tags. One tag alone may be the subject of a text.
PLAINLY_HTML = re.compile(
    r"""\A\s*<(p|div|article|section|h[1-6]|ul|ol|table|figure|blockquote)\b[^<>]*>.*</\1\s*>"""
    r"""|</p>\s*<p\b|(?:<br\s*/?>\s*){2}|<br\s*/>|[^\s<>]<br>[^\s<>]"""
    r"""|<(?:a|p|div|span|img|figure|iframe|script)\s[^<>]*?[\w-]+=(?:"[^"<>]*"|'[^'<>]*')[^<>]*>"""
    r"""|<(b|i|u|em|strong)>[^<>]{1,300}</\2>""",
    re.IGNORECASE | re.DOTALL,
)
# Characters that lxml does not accept: https://www.w3.org/TR/xml/#charsets
NO_XML = re.compile("[\x00-\x08\x0b\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
ESCAPED_HTML = re.compile(r"\s*&lt;(?:p|div|article|section|h[1-6]|ul|ol|table|figure)\b")

XML_ELEMENT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)")
XML_BEFORE_ROOT = (("<?", "?>"), ("<!--", "-->"), ("<!", ">"))  # how each begins and ends


def root_of(head: str) -> str:
    """The name of the root element of XML, without prefix, in lower case; empty if there is none.

    >>> root_of('<?xml version="1.0"?><!-- news --><nitf:nitf xmlns:nitf="x">')
    'nitf'
    """
    head = head.lstrip("\ufeff \t\r\n")
    while end := next((end for start, end in XML_BEFORE_ROOT if head.startswith(start)), ""):
        head = head.partition(end)[2].lstrip(" \t\r\n]>")  # also of a doctype's own declarations
    found = XML_ELEMENT.match(head)
    return found[1].casefold() if found else ""


def plain_text(text: str) -> str:
    """Make plain text of text that is clearly HTML, escaped or not; return other text unchanged.

    >>> plain_text("<p>Rain &amp; snow</p>"), plain_text("use &lt;b&gt; or <b>, not <i>")
    ('Rain & snow', 'use &lt;b&gt; or <b>, not <i>')
    """
    if "&lt;" in text and ESCAPED_HTML.match(text) and "<" not in text:
        text = html.unescape(text)
    return text_of(text) if "<" in text and PLAINLY_HTML.search(text) else text


def text_of(fragment: str) -> str:
    """The paragraphs of a fragment of HTML, divided by blank lines, without markup.

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
    """The same for a tree of lxml; removes invisible elements from the tree."""
    from lxml import etree

    for hidden in tree.xpath(HIDDEN):
        hidden.clear(keep_tail=True)
    etree.strip_elements(tree, *UNSEEN, etree.Comment, etree.PI, with_tail=False)
    paragraphs = "".join(_pieces(tree)).split("\n\n")
    lines = ("\n".join(" ".join(line.split()) for line in each.split("\n")) for each in paragraphs)
    return "\n\n".join(line for line in (each.strip() for each in lines) if line)


def _pieces(tree: Any) -> list[str]:
    """The text of a tree, blocks between blank lines; without recursion, for deep trees."""
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
    """Collapse white space to one space, line ends included, as HTML does."""
    return " ".join(f"|{text or ''}|".split())[1:-1]
